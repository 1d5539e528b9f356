// Rooms as Durable Objects: each message is stored before anybody hears of it (the output gate holds what is sent until
// the write is on disk); cursors are passed on and not stored. Sockets may hibernate, so an idle room can leave memory.

export default {
  fetch(request, env) {
    const room = env.ROOMS.idFromName(new URL(request.url).pathname);
    return env.ROOMS.get(room).fetch(request);
  },
};

export class Room {
  constructor(state) {
    this.state = state;
    state.blockConcurrencyWhile(async () => {
      const newest = await state.storage.list({ reverse: true, limit: 1 });
      this.said = Number([...newest.keys()][0] ?? 0);
    });
  }

  fetch() {
    const { 0: client, 1: server } = new WebSocketPair();
    this.state.acceptWebSocket(server);
    server.send(JSON.stringify({ t: "welcome" }));
    return new Response(null, { status: 101, webSocket: client });
  }

  webSocketMessage(socket, data) {
    const { t, text, x, y } = JSON.parse(data);
    if (t === "say") {
      const line = JSON.stringify({ t: "said", text });
      this.state.storage.put(String(++this.said).padStart(12, "0"), line);
      this.tell(line);
    } else if (t === "cursor") {
      this.tell(JSON.stringify({ t: "cursor", x, y }));
    }
  }

  webSocketClose(socket, code) {
    socket.close(code === 1005 || code === 1006 ? 1000 : code);
  }

  tell(text) {
    for (const member of this.state.getWebSockets()) {
      try {
        member.send(text);
      } catch {
        // It is closing and leaves the list by itself.
      }
    }
  }
}
