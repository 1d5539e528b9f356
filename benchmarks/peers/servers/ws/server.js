// Rooms on ws, the way one writes them first: parse, put together again once, send to each member of the room.
//
//     node server.js <port>
//
// A room is a path. What is said and where cursors are goes to everybody in the room, the sender among them.
import { WebSocketServer } from "ws";

const rooms = new Map();
let joined = 0;

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]) });

server.on("connection", (socket, request) => {
  const room = request.url;
  const by = ++joined;
  const members = rooms.get(room) ?? new Set();
  rooms.set(room, members.add(socket));

  const tell = (message) => {
    const text = JSON.stringify(message);
    for (const member of members) member.send(text);
  };

  socket.on("message", (data) => {
    const { t, text, x, y } = JSON.parse(data);
    if (t === "say") tell({ t: "said", by, text });
    else if (t === "cursor") tell({ t: "cursor", by, x, y });
  });
  socket.on("error", () => socket.terminate());
  socket.on("close", () => {
    members.delete(socket);
    if (members.size === 0) rooms.delete(room);
  });
  socket.send(JSON.stringify({ t: "welcome", by }));
});
