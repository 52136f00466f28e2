"""The manifest as one table: every section, every field, its kind and its help. Validation, the JSON
Schema and the written form all come from here; defaults come from the specs in `marvel.resources`.
"""

from typing import Any, get_args

import msgspec

from marvel import resources as nouns
from marvel.manifest.kinds import Choice, Command, File, Flag, Kind, Name, Pattern, Signal, Text
from marvel.manifest.lists import Argv, Env, EnvName, Many
from marvel.manifest.quantities import Duration, Integer, Number

CAPABILITIES: tuple[str, ...] = get_args(nouns.Capability)
EXEC_TIMEOUT = 5.0  # seconds; a probe that runs is quicker than a beat that is awaited


class Field(msgspec.Struct, frozen=True):
    """One key of a section."""

    key: str
    kind: Kind
    help: str
    home: type[nouns.Spec] | None = None  # the record it lives in; None: that of its section
    required: bool = False


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One table of the file, `[key]`, or a list of them, `[[key]]`."""

    key: str
    help: str
    record: type[nouns.Spec]
    fields: tuple[Field, ...] = ()
    sections: tuple["Section", ...] = ()
    plural: str = ""  # of lists: the key that YAML uses
    required: bool = False
    any_of: tuple[str, ...] = ()  # fields of which at least one is needed
    variants: dict[str, dict[str, Any]] = {}  # other defaults, by the section's `type`

    def field(self, key: str) -> Field | None:
        return next((field for field in self.fields if field.key == key), None)

    def section(self, key: str) -> "Section | None":
        return next((section for section in self.sections if key in section.keys), None)

    @property
    def keys(self) -> tuple[str, ...]:
        """How the section itself may be called."""
        return (self.key, self.plural) if self.plural else (self.key,)

    def default(self, field: Field, variant: str = "") -> Any:
        """What the field is when it is not given; `msgspec.NODEFAULT` when it must be."""
        if field.key in (other := self.variants.get(variant, {})):
            return other[field.key]
        home = field.home or self.record
        spec = next((spec for spec in msgspec.structs.fields(home) if spec.name == field.key), None)
        if spec is None:
            return msgspec.NODEFAULT
        return spec.default_factory() if spec.default_factory is not msgspec.NODEFAULT else spec.default


RUNTIME = Section(
    key="runtime",
    help="Which agent CLI runs, and how its process is made.",
    record=nouns.RuntimeSpec,
    any_of=("command", "image"),
    required=True,
    fields=(
        Field(
            "image",
            Text(empty=False),
            "adapter; anything unknown is generic; default: the command's base name",
        ),
        Field(
            "contain",
            Choice(options=("bubblewrap",)),
            "a sandbox around it: cwd and its own files, and nothing else of marvel or your home",
        ),
        Field("trust_workspace", Flag(), "the adapter may mark cwd as trusted in the agent's own settings"),
        Field(
            "command", Command(), "what is executed; default: image; with a / in it, relative to the manifest"
        ),
        Field(
            "args",
            Many(),
            "an argv, never a shell line; {index} {name} {team} {role} expand, {{name}} is {name} itself",
        ),
        Field("script", File(), "handed to adapters that take one; relative to the manifest"),
        Field("env", Env(), "recorded in the log, masked everywhere; *** keeps the recorded value"),
        Field("env_from", Many(of=EnvName()), "taken from the daemon's environment at start, never recorded"),
        Field("env_file", File(), "read at start, never recorded; relative to the manifest"),
        Field(
            "cwd",
            File(expands=True),
            "working directory; default: the manifest's; placeholders expand as in args",
        ),
        Field(
            "ready_pattern",
            Pattern(),
            "regular expression: a typed prompt waits until a row of its screen matches",
        ),
        Field("ready_delay", Duration(), "a typed prompt waits for so long after the start"),
    ),
)

HEALTHCHECK = Section(
    key="healthcheck",
    help="How health is judged; without it health is unknown and never acted on.",
    record=nouns.HealthcheckSpec,
    variants={"exec": {"timeout": EXEC_TIMEOUT}},
    fields=(
        Field("type", Choice(options=get_args(nouns.HealthcheckType)), "where the verdict comes from"),
        Field("timeout", Duration(above_zero=True), "one miss per elapsed time-out; exec: 5s by default"),
        Field("failure_threshold", Integer(least=1), "consecutive misses before a session is unhealthy"),
        Field("startup_timeout", Duration(above_zero=True), "no first beat by then is a failure"),
        Field("command", Argv(of=Text()), "exec only: the probe, an argv; exit 0 is healthy"),
        Field("interval", Duration(above_zero=True), "exec only: time between probes"),
    ),
)

SHIFT = Section(
    key="shift",
    help="How sessions are replaced by a new generation.",
    record=nouns.ShiftSpec,
    fields=(
        Field("max_surge", Integer(), "sessions above replicas while a shift runs; default: all at once"),
        Field("max_unavailable", Integer(), "ready sessions that may be missing because of a shift"),
        Field(
            "ready_timeout",
            Duration(above_zero=True),
            "without progress for so long the shift aborts by itself",
        ),
        Field(
            "min_ready",
            Duration(),
            "without heartbeats and `exec` check: running for so long is ready; nothing drains sooner",
        ),
        Field("on_change", Choice(options=get_args(nouns.OnChange)), "what a changed template does"),
        Field("context_percent", Number(most=100.0), "a session is replaced when its context is this full"),
        Field("max_age", Duration(above_zero=True), "a session is replaced when it is this old"),
        Field("drain_timeout", Duration(), "how long a working session may finish its turn"),
        Field("handoff", Text(), "asked of a session before its successor takes over"),
        Field("handoff_timeout", Duration(above_zero=True), "how long the handoff may take"),
    ),
)

STOP = Section(
    key="stop",
    help="How a session is asked to end.",
    record=nouns.StopSpec,
    fields=(
        Field("signal", Signal(), "sent first, to the whole process tree"),
        Field("grace", Duration(), "KILL follows after it"),
        Field("keys", Many(of=Text(empty=False)), "tmux key names, typed before the signal"),
    ),
)

ROLE = Section(
    key="role",
    plural="roles",
    help="One kind of agent in a team.",
    record=nouns.RoleSpec,
    fields=(
        Field("name", Name(), "of the role; one named supervisor has every capability", required=True),
        Field("replicas", Integer(most=nouns.REPLICAS_MOST), "how many sessions are wanted"),
        Field(
            "restart_policy",
            Choice(options=get_args(nouns.RestartPolicy)),
            "when an ended session is replaced",
        ),
        Field("max_restarts", Integer(), "within one streak; 0: unlimited"),
        Field("backoff_initial", Duration(above_zero=True), "wait before the second restart of a streak"),
        Field("backoff_max", Duration(above_zero=True), "the wait doubles up to this"),
        Field("permissions", Text(), "handed to the adapter", nouns.Template),
        Field("dangerous_permissions", Flag(), "the agent may do anything without asking", nouns.Template),
        Field("persona", Text(), "handed to the adapter", nouns.Template),
        Field("identity", Text(), "handed to the adapter", nouns.Template),
        Field("capabilities", Many(of=Choice(options=CAPABILITIES)), "what it may do to others of its team"),
        Field(
            "prompt", Text(), "its job, given to fresh starts; placeholders expand as in args", nouns.Template
        ),
        Field(
            "prompt_file",
            File(),
            "the same from a file, relative to the manifest, as it is; typed if others may not read it",
            nouns.Template,
        ),
        Field("resume", Flag(), "a crashed agent comes back with its conversation", nouns.Template),
        Field("resume_prompt", Text(), "typed once after a resume", nouns.Template),
        Field("max_runtime", Duration(above_zero=True), "budget of one session"),
        Field("max_cost_usd", Number(), "budget of one session"),
        Field("start_interval", Duration(), "between starts of this role"),
        Field("log_output", Flag(), "pane log on disk"),
    ),
    sections=(RUNTIME, HEALTHCHECK, SHIFT, STOP),
)

TEAM = Section(
    key="team",
    plural="teams",
    help="A cohesive unit of agents; the order of its roles is the order of shifts.",
    record=nouns.TeamSpec,
    fields=(Field("name", Name(), "of the team", required=True),),
    sections=(ROLE,),
)

ENDPOINT = Section(
    key="endpoint",
    plural="endpoints",
    help="A stable name for the ready sessions of a team or of one of its roles.",
    record=nouns.EndpointSpec,
    fields=(
        Field("name", Name(), "of the endpoint", required=True),
        Field("team", Text(empty=False), "a team of this manifest", required=True),
        Field("role", Text(empty=False), "one role of it; default: every role"),
    ),
)

WORKSPACE = Section(
    key="workspace",
    help="The isolation boundary all of this lives in.",
    record=nouns.Manifest,
    required=True,
    fields=(Field("name", Name(longest=30), "of the workspace", required=True),),
)

MANIFEST = Section(
    key="manifest",
    help="Teams of AI agent sessions, kept running by marvel.",
    record=nouns.Manifest,
    sections=(WORKSPACE, TEAM, ENDPOINT),
)
