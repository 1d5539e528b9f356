// Rooms on Socket.IO with what it brings: rooms and broadcast to a room.
//
//     node server.js <port>
//
// A room is the query's `room`. The heartbeat is put off so that the load generator needs no timer for it.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { transports: ["websocket"], pingInterval: 600_000 });

io.on("connection", (socket) => {
  const room = String(socket.handshake.query.room);
  socket.join(room);
  socket.on("say", (text) => io.to(room).emit("said", socket.id, text));
  socket.on("cursor", (x, y) => io.to(room).emit("cursor", socket.id, x, y));
  socket.emit("welcome");
});

http.listen(Number(process.argv[2]), "127.0.0.1");
