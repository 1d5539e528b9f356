// Rooms on Deno, the way one writes them first: parse, put together again once, send to each member of the room.
//
//     deno run --allow-net=127.0.0.1 server.js <port>
//
// A room is a path. What is said and where cursors are goes to everybody in the room, the sender among them.
const rooms = new Map();
let joined = 0;

Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.args[0]), onListen: () => {} }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  const room = new URL(request.url).pathname;
  const by = ++joined;
  let members;

  const tell = (message) => {
    const text = JSON.stringify(message);
    for (const member of members) member.send(text);
  };

  socket.onopen = () => {
    // Not before: of those who come at once each would find no room, and have one to itself.
    members = rooms.get(room) ?? new Set();
    rooms.set(room, members.add(socket));
    socket.send(JSON.stringify({ t: "welcome", by }));
  };
  socket.onmessage = ({ data }) => {
    const { t, text, x, y } = JSON.parse(data);
    if (t === "say") tell({ t: "said", by, text });
    else if (t === "cursor") tell({ t: "cursor", by, x, y });
  };
  socket.onclose = () => {
    members?.delete(socket);
    if (members?.size === 0) rooms.delete(room);
  };
  socket.onerror = () => socket.close();
  return response;
});
