"""What people are told beside a refusal: how to ask, and where a machine says what went wrong."""


def where_to_look(app: str, machine: str) -> str:
    """Of a machine that took no connection."""
    return (
        "a machine here listens on 127.0.0.1:$PORT, and what it printed is at"
        f" /_flylab/apps/{app}/machines/{machine}/logs of the Machines API"
    )


def unknown_host(host: str, region: str) -> str:
    """Of a host that is nobody's."""
    return (
        f"no app answers to the host {host!r}; ask for http://<app>.localhost at this port of edge {region},"
        " or send the header 'Host: <app>.fly.dev'"
    )
