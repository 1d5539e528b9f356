/* A WebSocket server that sends every text or binary frame back, on one core: what the load generator is held against.
 *
 *   cc -O2 -o echo echo.c && ./echo      prints its port on 127.0.0.1, ends with its standard input
 *
 * One epoll loop, level-triggered. Fragments and close frames are not its business: a frame goes back as it came, without
 * the mask. A connection that sends a frame of over 64 KB, or does not read, is closed. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 1 << 17, MOST = 1 << 16, EVENTS = 256 };

struct connection {
    int fd, open;
    size_t used;
    uint8_t in[ROOM];
};

static uint32_t turn(uint32_t x, int by) { return x << by | x >> (32 - by); }

/* SHA-1 of up to 119 bytes, which is all that a handshake needs (RFC 3174). */
static void sha1(const uint8_t *text, size_t size, uint8_t digest[20]) {
    uint8_t block[128] = {0};
    size_t blocks = size + 9 > 64 ? 2 : 1;
    memcpy(block, text, size);
    block[size] = 0x80;
    block[blocks * 64 - 2] = (uint8_t)(size * 8 >> 8);
    block[blocks * 64 - 1] = (uint8_t)(size * 8);
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    for (size_t b = 0; b < blocks; b++) {
        uint32_t w[80], v[5];
        for (int i = 0; i < 16; i++) {
            const uint8_t *p = block + b * 64 + i * 4;
            w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        }
        for (int i = 16; i < 80; i++) w[i] = turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        memcpy(v, h, sizeof v);
        for (int i = 0; i < 80; i++) {
            uint32_t f, k;
            if (i < 20) f = (v[1] & v[2]) | (~v[1] & v[3]), k = 0x5A827999;
            else if (i < 40) f = v[1] ^ v[2] ^ v[3], k = 0x6ED9EBA1;
            else if (i < 60) f = (v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3]), k = 0x8F1BBCDC;
            else f = v[1] ^ v[2] ^ v[3], k = 0xCA62C1D6;
            uint32_t next = turn(v[0], 5) + f + v[4] + k + w[i];
            v[4] = v[3], v[3] = v[2], v[2] = turn(v[1], 30), v[1] = v[0], v[0] = next;
        }
        for (int i = 0; i < 5; i++) h[i] += v[i];
    }
    for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64(const uint8_t *in, char out[29]) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t padded[21] = {0};
    memcpy(padded, in, 20);
    for (int i = 0; i < 7; i++) {
        uint32_t three = (uint32_t)padded[3 * i] << 16 | (uint32_t)padded[3 * i + 1] << 8 | padded[3 * i + 2];
        for (int j = 0; j < 4; j++) out[4 * i + j] = letters[three >> (18 - 6 * j) & 63];
    }
    out[27] = '=', out[28] = 0;
}

/* Answers the upgrade once its head is complete; -1 ends the connection. */
static int greet(struct connection *c) {
    c->in[c->used] = 0;
    char *end = strstr((char *)c->in, "\r\n\r\n");
    if (!end) return c->used < 8192 ? 0 : -1;
    char *key = strcasestr((char *)c->in, "\r\nSec-WebSocket-Key:");
    if (!key) return -1;
    key += 20;
    while (*key == ' ') key++;
    size_t size = strcspn(key, " \r");
    if (size != 24) return -1;
    uint8_t digest[20], text[60];
    memcpy(text, key, 24);
    memcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    sha1(text, 60, digest);
    char accept_key[29], answer[256];
    base64(digest, accept_key);
    int length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: %s\r\n\r\n", accept_key);
    if (write(c->fd, answer, (size_t)length) != length) return -1;
    size_t head = (size_t)((uint8_t *)end + 4 - c->in);
    memmove(c->in, c->in + head, c->used - head);
    c->used -= head;
    c->open = 1;
    return 0;
}

/* Sends back all whole frames in one write; -1 ends the connection. */
static int echo(struct connection *c) {
    static uint8_t out[ROOM];
    size_t at = 0, length = 0;
    while (c->used - at >= 6) {
        const uint8_t *frame = c->in + at;
        size_t size = frame[1] & 0x7F, head = 2;
        if (!(frame[1] & 0x80) || size == 127) return -1;
        if (size == 126) {
            if (c->used - at < 8) break;
            size = (size_t)frame[2] << 8 | frame[3], head = 4;
        }
        if (size > MOST - 16) return -1;
        if (c->used - at < head + 4 + size) break;
        const uint8_t *mask = frame + head, *payload = mask + 4;
        if ((frame[0] & 0x0F) == 8) return -1;
        out[length] = frame[0];
        out[length + 1] = frame[1] & 0x7F;
        if (head == 4) out[length + 2] = frame[2], out[length + 3] = frame[3];
        for (size_t i = 0; i < size; i++) out[length + head + i] = payload[i] ^ mask[i & 3];
        length += head + size;
        at += head + 4 + size;
    }
    if (length && write(c->fd, out, length) != (ssize_t)length) return -1;
    memmove(c->in, c->in + at, c->used - at);
    c->used -= at;
    return 0;
}

int main(void) {
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof where;
    int one = 1, door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0);
    if (door < 0 || poll < 0 || bind(door, (void *)&where, size) || listen(door, 1024)) return perror("echo"), 1;
    getsockname(door, (void *)&where, &size);
    printf("%d\n", ntohs(where.sin_port));
    fflush(stdout);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
    epoll_ctl(poll, EPOLL_CTL_ADD, door, &event);
    struct connection input = {.fd = 0};
    event.data.ptr = &input;
    epoll_ctl(poll, EPOLL_CTL_ADD, 0, &event);
    for (;;) {
        int count = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (c == &input) return 0;
            if (!c) {
                int fd;
                while ((fd = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    c = calloc(1, sizeof *c);
                    if (!c) return 1;
                    c->fd = fd;
                    event.data.ptr = c;
                    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
                }
                continue;
            }
            ssize_t got = read(c->fd, c->in + c->used, ROOM - 1 - c->used);
            if (got < 0 && errno == EAGAIN) continue;
            c->used += got > 0 ? (size_t)got : 0;
            if (got <= 0 || (!c->open && greet(c)) || (c->open && echo(c))) close(c->fd), free(c);
        }
    }
}
