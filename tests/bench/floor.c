/* floor PORT: the least that a static C program does to learn its address over plain HTTP: one GET to 127.0.0.1, its body out. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **words) {
    static const char ask[] = "GET /ip HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char text[4096];
    size_t length = 0;
    ssize_t n;
    struct sockaddr_in to = {.sin_family = AF_INET};
    if (count != 2) return 2;
    to.sin_port = htons(atoi(words[1]));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int wire = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (wire < 0 || connect(wire, (struct sockaddr *)&to, sizeof to) || write(wire, ask, sizeof ask - 1) < 0) return 1;
    while ((n = read(wire, text + length, sizeof text - 1 - length)) > 0) length += n;
    text[length] = 0;
    char *body = strstr(text, "\r\n\r\n");
    if (!body) return 1;
    return write(1, body + 4, strlen(body + 4)) < 0;
}
