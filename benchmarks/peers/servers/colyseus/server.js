// Rooms on Colyseus: chat by `broadcast`, cursors as room state, whose changes it sends every 50 ms.
//
//     node server.js <port>
//
// Tuned for it: a cursor is one uint32 of a map (y above x), which its encoder turns out fastest, and the buffer for one
// patch is large enough for a thousand of them. The 0.16 series is the last one for Node 20.
import { createServer } from "node:http";
import { Room, Server } from "@colyseus/core";
import { Encoder, MapSchema, Schema, defineTypes } from "@colyseus/schema";
import { WebSocketTransport } from "@colyseus/ws-transport";

Encoder.BUFFER_SIZE = 64 * 1024;

class Cursors extends Schema {
  constructor() {
    super();
    this.at = new MapSchema();
  }
}
defineTypes(Cursors, { at: { map: "uint32" } });

class Bench extends Room {
  onCreate() {
    this.setState(new Cursors());
    this.setPatchRate(50);
    this.onMessage("say", (client, text) => this.broadcast("said", text));
    this.onMessage("cursor", (client, [x, y]) => this.state.at.set(client.sessionId, y * 65536 + x));
  }

  onLeave(client) {
    this.state.at.delete(client.sessionId);
  }
}

const server = new Server({ transport: new WebSocketTransport({ server: createServer() }), greet: false });
server.define("bench", Bench).filterBy(["room"]);
await server.listen(Number(process.argv[2]), "127.0.0.1");
