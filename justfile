# Recipes for people; each is one or two commands that can be typed by hand.

venv := ".venv/bin"

# list the recipes
default:
    @just --list

# make .venv with marvel (and its simulator) in it
build:
    test -x {{ venv }}/python || python3 -m venv .venv
    {{ venv }}/pip install -q -e '.[dev]'
    @echo 'marvel is built. Put it on your PATH:  export PATH="$PWD/.venv/bin:$PATH"'

# all tests
test: build
    {{ venv }}/pytest

# a daemon, the demo team, and a look at it
demo: build
    {{ venv }}/marvel up examples/demo.toml

# the sessions, live
watch:
    {{ venv }}/marvel get sessions --watch

# scale a role: just scale demo/squad agent 5
scale team role n:
    {{ venv }}/marvel scale {{ team }} --role {{ role }} --replicas {{ n }}

# replace a team's sessions by fresh ones: just shift demo/squad
shift team:
    {{ venv }}/marvel shift {{ team }} --wait

# demonstrate the life of a shift
demo-shift: build
    {{ venv }}/marvel up examples/shift-demo.toml
    {{ venv }}/marvel shift shift-demo/squad --wait
    {{ venv }}/marvel get sessions --workspace shift-demo
    {{ venv }}/marvel shift history shift-demo/squad

# the daemon in the foreground
start: build
    {{ venv }}/marvel daemon

# marvel beside supervisor, circus, pm2 and tmux alone: just bench --short --json FILE
bench *options: build
    {{ venv }}/python -m benchmarks {{ options }}

# end all sessions, then the daemon
stop:
    {{ venv }}/marvel stop

# end what runs (in the state directory that is in use), remove what was built
clean:
    -test -x {{ venv }}/marvel && {{ venv }}/marvel stop --yes
    rm -rf .venv dist build site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
    find . -name __pycache__ -type d -prune -exec rm -rf {} +

# style, types and import contracts
lint: build
    {{ venv }}/ruff check .
    {{ venv }}/ruff format --check .
    {{ venv }}/mypy
    {{ venv }}/lint-imports

# the documentation in site/: generated pages written, every link checked
docs: build
    {{ venv }}/pip install -q -e '.[docs]'
    {{ venv }}/python -m docs.generate
    NO_MKDOCS_2_WARNING=1 {{ venv }}/mkdocs build --strict --quiet

# the daemon in virtual time under faults: just sim --seed 7 --steps 2000
sim *args: build
    {{ venv }}/python -m tests.simulation {{ args }}

# a real daemon and tmux, killed, stopped, filled and raced: just faults, just faults tmux --tries 5
faults *args: build
    {{ venv }}/python -m tests.faults {{ args }}

# mutated real inputs into every parser of an agent's or tmux's words: just fuzz --inputs 10000000
fuzz *args: build
    {{ venv }}/python -m tests.fuzz {{ args }}
