"""The names of Fly's own headers, each once, in lower case; what they mean is decided elsewhere.

Sources: networking/dynamic-request-routing for the replay family, networking/request-headers for the others.
"""

REPLAY = "fly-replay"
REPLAY_SRC = "fly-replay-src"
REPLAY_FAILED = "fly-replay-failed"
REPLAY_CACHE = "fly-replay-cache"
REPLAY_CACHE_TTL = "fly-replay-cache-ttl-secs"
REPLAY_CACHE_ALLOW_BYPASS = "fly-replay-cache-allow-bypass"
REPLAY_CACHE_CONTROL = "fly-replay-cache-control"
REPLAY_CACHE_STATUS = "fly-replay-cache-status"
PREFERRED_UNAVAILABLE = "fly-preferred-instance-unavailable"

PREFER_REGION = "fly-prefer-region"
FORCE_REGION = "fly-force-region"
PREFER_INSTANCE = "fly-prefer-instance-id"
FORCE_INSTANCE = "fly-force-instance-id"

CLIENT_IP = "fly-client-ip"
FORWARDED_PORT = "fly-forwarded-port"
REGION = "fly-region"
REQUEST_ID = "fly-request-id"

TRACE = "x-flylab-trace"  # ours: asks for the hops of a request, and answers with them

REPLAY_JSON = "application/vnd.fly.replay+json"  # content type of a replay written as a body

# Only the proxy may say these; what a client sends under such a name is dropped (our choice: apps trust them).
PROXY_ONLY = (REPLAY_SRC, REPLAY_FAILED, PREFERRED_UNAVAILABLE, REPLAY_CACHE_STATUS)
# Lines of a request that the proxy writes anew, whatever client or app say (networking/request-headers).
PROXY_WRITES = frozenset(
    (*PROXY_ONLY, TRACE, CLIENT_IP, FORWARDED_PORT, REGION, REQUEST_ID, "x-forwarded-for", "x-forwarded-proto",
     "x-forwarded-port", "x-forwarded-ssl", "via")
)  # fmt: skip
# Request headers that choose the machine, strongest first (the order is our choice).
CHOOSING = (FORCE_INSTANCE, FORCE_REGION, PREFER_INSTANCE, PREFER_REGION)
