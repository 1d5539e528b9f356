"""What `flylab up` says to people: where everything is, and one line for each exchange."""

from flylab import __version__
from flylab.wire.fields import Json


def greeting(api: str, token: str, edges: dict[str, str], dns: str, state: str, *, kept: bool, more: Json) -> str:
    """What is printed when everything is ready; ``more`` are the edges that speak TLS."""
    secure = more.get("tls_edges")
    width = max(len(code) for code in edges)
    tls = secure.items() if isinstance(secure, dict) else ()
    secured = [f"  TLS  {code:<{width}}      {url}" for code, url in tls]
    port = next(iter(edges.values())).rpartition(":")[2]
    lines = [
        f"flylab {__version__}: Fly Machines on this computer",
        "",
        f"  export FLY_API_HOSTNAME={api} FLY_API_TOKEN={token}",
        "",
        f"  Machines API  {api}/v1",
        *(f"  edge {code:<{width}}      {edges[code]}" for code in edges),
        *secured,
        *([f"  authority     {more['ca']} (let your browser or curl --cacert trust it)"] if secured else []),
        f"  names         {dns} (dig @127.0.0.1 -p {dns.rpartition(':')[2]} blue.internal AAAA)",
        f"  state         {state} ({'kept' if kept else 'removed at the end; keep it with --state DIR'})",
        "",
        "  Try it, in another terminal, after the export above:",
        '    curl -H "Authorization: Bearer $FLY_API_TOKEN" "$FLY_API_HOSTNAME/v1/platform/regions"',
        f"  An app named blue is then at http://blue.localhost:{port}/",
        "",
        "  Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


def exchange_line(trace: Json) -> str:
    """``ams GET rooms/blue 200 91.3 ms 148e…@ams → 2953…@iad``, a proxy code behind it if there is one."""
    hops = trace["hops"]
    path = " → ".join(f"{hop['machine']}@{hop['region']}" for hop in hops) if isinstance(hops, list) else ""
    asked = f"{trace['edge']} {trace['method']} {trace['app'] or ''}{trace['path']}"
    return " ".join(
        filter(None, [asked, str(trace["status"]), f"{trace['total_ms']} ms", path, str(trace.get("code", ""))])
    )
