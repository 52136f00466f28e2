"""The cockpit: `marvel top`, the whole fleet on one screen, and the hand on it.

    command   the signature, the terminal, the picture without one
    feed      the log, followed in a thread; at most four pictures a second
    picture   one moment of the fleet, and the context percents that led there
    tree      picture → lines: grouped, filtered, sorted, folded away
    cells     lines → text, for any width
    fleet     the widget that shows them
    acts      what can be done to a line, as a command of marvel and what it will do
    dialogs   confirmations, help
    session   one session's screen; `details` are what the log knows of it, `plot` its context
    timeline  the fleet at earlier moments, each of them a `moment`
    follows   what these two are to the app
    app       all of it together

Textual is imported by this room alone. `picture`, `tree`, `cells`, `acts` and `plot` are pure.
"""
