/* LD_PRELOAD shim: takes a load generator that knows no proxies (h2load) through CONNECT. A connect() to BENCH_TARGET_PORT goes
 * to 127.0.0.1:BENCH_PROXY_PORT instead; the CONNECT exchange is done here, blocking, once a connection, and the generator
 * then speaks TLS through the tunnel as if it had connected directly. Nothing stands between the two while it measures, as a
 * forwarding process would.
 *   cc -shared -fPIC -O2 -o connectPreload.so connectPreload.c -ldl */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef int (*connect_function)(int, const struct sockaddr *, socklen_t);

static int port_of(const struct sockaddr *address) {
  if (address->sa_family == AF_INET) return ntohs(((const struct sockaddr_in *)address)->sin_port);
  if (address->sa_family == AF_INET6) return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
  return -1;
}

/* Byte by byte: nothing after the blank line may be taken from the generator. */
static int tunnel(int fd, const char *authority) {
  char text[1024];
  int length = snprintf(text, sizeof text, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", authority, authority);
  if (write(fd, text, length) != length) return -1;
  for (int got = 0; got < (int)sizeof text - 1;) {
    if (read(fd, text + got, 1) != 1) return -1;
    text[++got] = 0;
    if (got >= 4 && memcmp(text + got - 4, "\r\n\r\n", 4) == 0) return strstr(text, " 200") ? 0 : -1;
  }
  return -1;
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
  static connect_function real_connect;
  if (!real_connect) real_connect = (connect_function)dlsym(RTLD_NEXT, "connect");
  const char *target = getenv("BENCH_TARGET_PORT"), *proxy = getenv("BENCH_PROXY_PORT");
  const char *authority = getenv("BENCH_AUTHORITY");
  if (!target || !proxy || !authority || !address || port_of(address) != atoi(target))
    return real_connect(fd, address, length);

  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(proxy))};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
  int failed = real_connect(fd, (struct sockaddr *)&at, sizeof at) < 0 || tunnel(fd, authority) < 0;
  fcntl(fd, F_SETFL, flags);
  if (failed) errno = ECONNREFUSED;
  return failed ? -1 : 0;
}
