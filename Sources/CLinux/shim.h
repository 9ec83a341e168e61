// The door to the C library and the kernel: what Swift can't say because it is a macro, a variadic
// function, a bit field or a control message. Every function here answers what the C function
// answers, or -errno; none keeps state.
#ifndef CORDON_CLINUX_SHIM_H
#define CORDON_CLINUX_SHIM_H

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// What the C library shows only with _GNU_SOURCE. Doors do without: it gives fd_set and others another
// shape than in the modules that come with Swift, and a build that sees both shapes ends.
int accept4(int, struct sockaddr *, socklen_t *, int);
int setresgid(gid_t, gid_t, gid_t);
int setresuid(uid_t, uid_t, uid_t);
struct cordon_in6_pktinfo {
  struct in6_addr ipi6_addr;
  unsigned int ipi6_ifindex;
};
struct cordon_ucred {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};

// Linux 5.0; older headers lack it.
#ifndef IP_PMTUDISC_OMIT
#define IP_PMTUDISC_OMIT 5
#endif
#ifndef IPV6_PMTUDISC_OMIT
#define IPV6_PMTUDISC_OMIT 5
#endif

static inline long cordon_result(long result) { return result < 0 ? -(long)errno : result; }

// Files.

static inline long cordon_open(const char *path, int flags, unsigned mode) {
  return cordon_result(open(path, flags | O_CLOEXEC, mode));
}
static inline long cordon_open_directory(const char *path) {
  return cordon_result(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}
static inline long cordon_read(int fd, void *buffer, size_t count) {
  return cordon_result(read(fd, buffer, count));
}
static inline long cordon_write(int fd, const void *buffer, size_t count) {
  return cordon_result(write(fd, buffer, count));
}
static inline long cordon_fsync(int fd) { return cordon_result(fsync(fd)); }
static inline long cordon_rename(const char *from, const char *to) {
  return cordon_result(rename(from, to));
}
static inline long cordon_unlink(const char *path) { return cordon_result(unlink(path)); }
static inline long cordon_mkdir(const char *path, unsigned mode) {
  return cordon_result(mkdir(path, mode));
}
static inline long cordon_mkdtemp(char *path) { return mkdtemp(path) ? 0 : -(long)errno; }
static inline long cordon_rmdir(const char *path) { return cordon_result(rmdir(path)); }
static inline long cordon_fchmod(int fd, unsigned mode) { return cordon_result(fchmod(fd, mode)); }
static inline long cordon_fchown(int fd, unsigned user, unsigned group) {
  return cordon_result(fchown(fd, user, group));
}
// Of the link itself, where path is one.
static inline long cordon_own(const char *path) {
  return cordon_result(lchown(path, geteuid(), getegid()));
}
static inline long cordon_chmod(const char *path, unsigned mode) {
  return cordon_result(chmod(path, mode));
}
static inline long cordon_readlink(const char *path, char *buffer, size_t count) {
  return cordon_result(readlink(path, buffer, count));
}
static inline long cordon_access(const char *path, int mode) {
  return cordon_result(access(path, mode));
}
// 1 when the path names a socket, 0 when it names something else.
static inline long cordon_is_socket(const char *path) {
  struct stat status;
  if (lstat(path, &status) < 0) return -(long)errno;
  return S_ISSOCK(status.st_mode) ? 1 : 0;
}
// Maps the whole file for reading; its length or -errno.
static inline long cordon_map(int fd, long limit, void **start) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -(long)errno;
  if (status.st_size > limit) return -(long)EFBIG;
  void *mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (mapped == MAP_FAILED) return -(long)errno;
  *start = mapped;
  return (long)status.st_size;
}
static inline int64_t cordon_modified(const char *path) {
  struct stat status;
  return stat(path, &status) < 0 ? 0 : (int64_t)status.st_mtime;
}
static inline long cordon_duplicate(int fd, int lowest) {
  return cordon_result(fcntl(fd, F_DUPFD_CLOEXEC, lowest));
}
static inline long cordon_close_on_exec(int fd) {
  return cordon_result(fcntl(fd, F_SETFD, FD_CLOEXEC));
}
static inline void cordon_close_from(unsigned lowest) {
#ifdef SYS_close_range
  // Linux 5.9; an older kernel leaves them open.
  syscall(SYS_close_range, lowest, ~0U, 0);
#endif
}
static inline long cordon_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? -(long)errno : cordon_result(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

// Clocks and randomness.

static inline int64_t cordon_clock_milliseconds(int boot) {
  struct timespec now;
  clock_gettime(boot ? CLOCK_BOOTTIME : CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
static inline int64_t cordon_monotonic_microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
static inline long cordon_random(void *buffer, size_t count) {
  return cordon_result(getrandom(buffer, count, 0));
}

// Events.

static inline long cordon_epoll(void) { return cordon_result(epoll_create1(EPOLL_CLOEXEC)); }
static inline long cordon_epoll_control(int epoll, int operation, int fd, uint32_t events,
                                        uint64_t token) {
  struct epoll_event event;
  memset(&event, 0, sizeof event);
  event.events = events;
  event.data.u64 = token;
  return cordon_result(epoll_ctl(epoll, operation, fd, &event));
}
#define CORDON_EPOLL_EVENTS 32
static inline long cordon_epoll_wait(int epoll, uint64_t *tokens, uint32_t *events, int timeout) {
  struct epoll_event ready[CORDON_EPOLL_EVENTS];
  long count = epoll_wait(epoll, ready, CORDON_EPOLL_EVENTS, timeout);
  if (count < 0) return -(long)errno;
  for (long index = 0; index < count; index++) {
    tokens[index] = ready[index].data.u64;
    events[index] = ready[index].events;
  }
  return count;
}
// 1 when a read on fd won't wait, 0 when milliseconds have passed.
static inline long cordon_wait_readable(int fd, int milliseconds) {
  struct pollfd one = {fd, POLLIN, 0};
  return cordon_result(poll(&one, 1, milliseconds));
}
// Blocks the signals whose bits (1 << number) are set and answers a descriptor that reads them.
static inline long cordon_signals(uint64_t numbers) {
  sigset_t set;
  sigemptyset(&set);
  for (int number = 1; number < 64; number++)
    if (numbers >> number & 1) sigaddset(&set, number);
  if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -(long)errno;
  return cordon_result(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}
static inline long cordon_next_signal(int fd) {
  struct signalfd_siginfo info;
  long count = read(fd, &info, sizeof info);
  return count < 0 ? -(long)errno : (long)info.ssi_signo;
}
static inline void cordon_ignore_broken_pipe(void) { signal(SIGPIPE, SIG_IGN); }

// Sockets of the internet.

union cordon_address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};
// Addresses come as 4 or 16 bytes in network byte order, ports in the host's.
static inline socklen_t cordon_pack(union cordon_address *to, const uint8_t *bytes, size_t count,
                                    uint16_t port, uint32_t scope) {
  memset(to, 0, sizeof *to);
  if (count == 4) {
    to->v4.sin_family = AF_INET;
    to->v4.sin_port = htons(port);
    memcpy(&to->v4.sin_addr, bytes, 4);
    return sizeof to->v4;
  }
  to->v6.sin6_family = AF_INET6;
  to->v6.sin6_port = htons(port);
  to->v6.sin6_scope_id = scope;
  memcpy(&to->v6.sin6_addr, bytes, 16);
  return sizeof to->v6;
}
// A peer and the address of this machine that it wrote to.
struct cordon_path {
  uint8_t peer[16];
  uint8_t local[16];
  // 4 or 16; local is left empty (0) when the kernel does not tell it.
  uint8_t peer_count;
  uint8_t local_count;
  uint16_t port;
  uint32_t interface;
};
static inline long cordon_set(int fd, int level, int option, int value) {
  return cordon_result(setsockopt(fd, level, option, &value, sizeof value));
}
// What a socket sends goes first in every queue that looks: by class selector 6, which is for what
// network devices tell each other (RFC 4594, Section 3.2) and stands in the first tin of home routers'
// CAKE whether it has three or four (class selector 5 only in that of four); by the priority in the
// first band of pfifo_fast and prio, which a class selector doesn't reach. More than 6 needs a
// capability. A kernel that refuses is no reason not to speak.
static inline void cordon_hasten(int fd, int v6) {
  cordon_set(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, 6 << 5);
  // Last: the other option sets it, too.
  cordon_set(fd, SOL_SOCKET, SO_PRIORITY, 6);
}
static inline long cordon_udp(const uint8_t *bytes, size_t count, uint16_t port, uint32_t scope) {
  union cordon_address address;
  socklen_t length = cordon_pack(&address, bytes, count, port, scope);
  int v6 = count == 16;
  long fd = cordon_result(
      socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP));
  if (fd < 0) return fd;
  long error = 0;
  cordon_hasten((int)fd, v6);
  if (v6) {
    if (!error) error = cordon_set((int)fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (!error) error = cordon_set((int)fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    // Forged "packet too big" messages must not change what is sent (as name servers do).
    if (!error) error = cordon_set((int)fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
  } else {
    if (!error) error = cordon_set((int)fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (!error) error = cordon_set((int)fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
  }
  if (!error) error = cordon_result(bind((int)fd, &address.any, length));
  if (error) {
    close((int)fd);
    return error;
  }
  return fd;
}
static inline long cordon_bound_port(int fd) {
  union cordon_address address;
  socklen_t length = sizeof address;
  if (getsockname(fd, &address.any, &length) < 0) return -(long)errno;
  return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}
// Takes one datagram; a longer one than fits answers its true length.
static inline long cordon_receive_datagram(int fd, void *buffer, size_t count,
                                           struct cordon_path *path) {
  union cordon_address address;
  struct iovec vector = {buffer, count};
  _Alignas(struct cmsghdr) char control[128];
  struct msghdr message;
  memset(&message, 0, sizeof message);
  memset(path, 0, sizeof *path);
  message.msg_name = &address;
  message.msg_namelen = sizeof address;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  long received = recvmsg(fd, &message, MSG_TRUNC | MSG_DONTWAIT);
  if (received < 0) return -(long)errno;
  if (address.any.sa_family == AF_INET6) {
    path->peer_count = 16;
    path->port = ntohs(address.v6.sin6_port);
    path->interface = address.v6.sin6_scope_id;
    memcpy(path->peer, &address.v6.sin6_addr, 16);
  } else {
    path->peer_count = 4;
    path->port = ntohs(address.v4.sin_port);
    memcpy(path->peer, &address.v4.sin_addr, 4);
  }
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      memcpy(path->local, &info.ipi_addr, 4);
      // What went to a broadcast or multicast address came to none of ours.
      if (info.ipi_addr.s_addr == info.ipi_spec_dst.s_addr) path->local_count = 4;
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      struct cordon_in6_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      memcpy(path->local, &info.ipi6_addr, 16);
      if (!IN6_IS_ADDR_MULTICAST(&info.ipi6_addr)) path->local_count = 16;
    }
  }
  return received;
}
// Sends one datagram from path->local to path->peer.
static inline long cordon_send_datagram(int fd, const void *bytes, size_t count,
                                        const struct cordon_path *path) {
  union cordon_address address;
  struct iovec vector = {(void *)bytes, count};
  _Alignas(struct cmsghdr) char control[128];
  struct msghdr message;
  memset(&message, 0, sizeof message);
  memset(control, 0, sizeof control);
  message.msg_name = &address;
  message.msg_namelen =
      cordon_pack(&address, path->peer, path->peer_count, path->port, path->interface);
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  struct cmsghdr *c = CMSG_FIRSTHDR(&message);
  if (path->peer_count == 4) {
    struct in_pktinfo info;
    memset(&info, 0, sizeof info);
    memcpy(&info.ipi_spec_dst, path->local, 4);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(c), &info, sizeof info);
    message.msg_controllen = CMSG_SPACE(sizeof info);
  } else {
    struct cordon_in6_pktinfo info;
    memset(&info, 0, sizeof info);
    memcpy(&info.ipi6_addr, path->local, 16);
    info.ipi6_ifindex = path->interface;
    c->cmsg_level = IPPROTO_IPV6;
    c->cmsg_type = IPV6_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(c), &info, sizeof info);
    message.msg_controllen = CMSG_SPACE(sizeof info);
  }
  return cordon_result(sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}
// Listens for TCP of both families on one interface; of IPv4 alone where there is no IPv6.
static inline long cordon_tcp_listen(const uint8_t *bytes, size_t length, uint16_t port,
                                     const char *interface, size_t count, int backlog) {
  union cordon_address address;
  static const uint8_t any[16];
  // Without an address: both families, or the one that there is.
  int is_both = length == 0;
  if (is_both) {
    bytes = any;
    length = 16;
  }
  long fd = cordon_result(socket(length == 16 ? AF_INET6 : AF_INET,
                                 SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  if (is_both && fd == -EAFNOSUPPORT) {
    length = 4;
    fd = cordon_result(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  }
  if (fd < 0) return fd;
  long error = 0;
  if (length == 16) error = cordon_set((int)fd, IPPROTO_IPV6, IPV6_V6ONLY, !is_both);
  // Connections inherit it, but for the priority.
  if (!is_both) cordon_hasten((int)fd, length == 16);
  // Connections of the time before a restart don't keep the port.
  if (!error) error = cordon_set((int)fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (!error && count)
    error = cordon_result(
        setsockopt((int)fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)count));
  socklen_t packed = cordon_pack(&address, bytes, length, port, 0);
  if (!error) error = cordon_result(bind((int)fd, &address.any, packed));
  if (!error) error = cordon_result(listen((int)fd, backlog));
  if (error) {
    close((int)fd);
    return error;
  }
  return fd;
}
static inline int cordon_unpack(const union cordon_address *from, uint8_t *bytes) {
  int v6 = from->any.sa_family == AF_INET6;
  if (v6)
    memcpy(bytes, &from->v6.sin6_addr, 16);
  else
    memcpy(bytes, &from->v4.sin_addr, 4);
  return v6 ? 16 : 4;
}
// Takes a connection and tells both its addresses.
static inline long cordon_accept_stream(int fd, struct cordon_path *path) {
  union cordon_address address;
  socklen_t length = sizeof address;
  memset(path, 0, sizeof *path);
  long accepted = cordon_result(accept4(fd, &address.any, &length, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (accepted < 0) return accepted;
  path->peer_count = (uint8_t)cordon_unpack(&address, path->peer);
  path->port = ntohs(path->peer_count == 16 ? address.v6.sin6_port : address.v4.sin_port);
  length = sizeof address;
  if (getsockname((int)accepted, &address.any, &length) == 0)
    path->local_count = (uint8_t)cordon_unpack(&address, path->local);
  return accepted;
}
// This machine's address and port of a socket.
static inline long cordon_own_end(int fd, struct cordon_path *path) {
  union cordon_address address;
  socklen_t length = sizeof address;
  memset(path, 0, sizeof *path);
  if (getsockname(fd, &address.any, &length) < 0) return -(long)errno;
  path->local_count = (uint8_t)cordon_unpack(&address, path->local);
  path->port = ntohs(path->local_count == 16 ? address.v6.sin6_port : address.v4.sin_port);
  return 0;
}
static inline long cordon_stream_pair(int *ends) {
  return cordon_result(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
}
static inline long cordon_receive(int fd, void *buffer, size_t count) {
  return cordon_result(recv(fd, buffer, count, MSG_DONTWAIT));
}
static inline long cordon_send(int fd, const void *bytes, size_t count) {
  return cordon_result(send(fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL));
}
static inline long cordon_end_sending(int fd) { return cordon_result(shutdown(fd, SHUT_WR)); }
// Begins to connect; for a stream, cordon_connect_result tells how it went once the socket can be
// written to. A datagram socket tells its own address with each datagram, and takes no notice of
// messages about sizes, which anyone can forge.
static inline long cordon_connect(const uint8_t *bytes, size_t count, uint16_t port, uint32_t scope,
                                  int is_stream) {
  union cordon_address address;
  socklen_t length = cordon_pack(&address, bytes, count, port, scope);
  int type = (is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  long fd = cordon_result(socket(address.any.sa_family, type, 0));
  if (fd < 0) return fd;
  cordon_hasten((int)fd, count == 16);
  // Small messages of a stream are each waited for.
  int level = is_stream ? IPPROTO_TCP : count == 16 ? IPPROTO_IPV6 : IPPROTO_IP;
  int option = is_stream ? TCP_NODELAY : count == 16 ? IPV6_RECVPKTINFO : IP_PKTINFO;
  int sizes = count == 16 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER;
  int omit = count == 16 ? IPV6_PMTUDISC_OMIT : IP_PMTUDISC_OMIT;
  long error = cordon_set((int)fd, level, option, 1);
  if (!error && !is_stream) error = cordon_set((int)fd, level, sizes, omit);
  if (!error) error = cordon_result(connect((int)fd, &address.any, length));
  if (error && error != -EINPROGRESS) {
    close((int)fd);
    return error;
  }
  return fd;
}
static inline long cordon_connect_result(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return -(long)errno;
  return -(long)error;
}

// Names.

// Looks name up; writes at most count addresses, each its length (4 or 16) and 16 bytes.
static inline long cordon_resolve(const char *name, uint8_t *addresses, size_t count) {
  struct addrinfo hints, *found = NULL;
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  int error = getaddrinfo(name, NULL, &hints, &found);
  if (error) return error == EAI_SYSTEM ? -(long)errno : -EHOSTUNREACH;
  size_t written = 0;
  for (struct addrinfo *one = found; one && written < count; one = one->ai_next) {
    union cordon_address address;
    if (one->ai_addrlen > sizeof address ||
        (one->ai_family != AF_INET && one->ai_family != AF_INET6))
      continue;
    memset(&address, 0, sizeof address);
    memcpy(&address, one->ai_addr, one->ai_addrlen);
    addresses[written * 17] = (uint8_t)cordon_unpack(&address, addresses + written * 17 + 1);
    written++;
  }
  freeaddrinfo(found);
  return (long)written;
}

// Sockets between processes.

static inline long cordon_unix(struct sockaddr_un *address, const char *path, size_t count) {
  memset(address, 0, sizeof *address);
  if (count == 0 || count >= sizeof address->sun_path) return -ENAMETOOLONG;
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path, path, count);
  // An abstract name is written with '@' and has no terminator.
  if (path[0] == '@') {
    address->sun_path[0] = 0;
    return (long)(offsetof(struct sockaddr_un, sun_path) + count);
  }
  return (long)sizeof *address;
}
static inline long cordon_packet_pair(int *ends) {
  return cordon_result(
      socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
}
static inline long cordon_packet_listen(const char *path, size_t count) {
  struct sockaddr_un address;
  long length = cordon_unix(&address, path, count);
  if (length < 0) return length;
  long fd = cordon_result(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd < 0) return fd;
  // Nobody may connect between bind and the chmod that opens it.
  mode_t mask = umask(0777);
  long error = cordon_result(bind((int)fd, (struct sockaddr *)&address, (socklen_t)length));
  umask(mask);
  if (!error) error = cordon_result(listen((int)fd, 8));
  if (error) {
    close((int)fd);
    return error;
  }
  return fd;
}
static inline long cordon_accept(int fd) {
  return cordon_result(accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
}
static inline long cordon_unix_connect(const char *path, size_t count, int datagram) {
  struct sockaddr_un address;
  long length = cordon_unix(&address, path, count);
  if (length < 0) return length;
  long fd = cordon_result(
      socket(AF_UNIX, (datagram ? SOCK_DGRAM : SOCK_SEQPACKET) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd < 0) return fd;
  long error = cordon_result(connect((int)fd, (struct sockaddr *)&address, (socklen_t)length));
  if (error) {
    close((int)fd);
    return error;
  }
  return fd;
}
// Sends one message and, unless passed is negative, a descriptor with it.
static inline long cordon_send_message(int fd, const void *bytes, size_t count, int passed) {
  struct iovec vector = {(void *)bytes, count};
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  struct msghdr message;
  memset(&message, 0, sizeof message);
  memset(control, 0, sizeof control);
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (passed >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &passed, sizeof passed);
  }
  return cordon_result(sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}
// Takes one message; *passed becomes the descriptor that came with it, or -1.
static inline long cordon_receive_message(int fd, void *buffer, size_t count, int *passed) {
  struct iovec vector = {buffer, count};
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  // Room for one descriptor: the kernel closes any other.
  message.msg_controllen = CMSG_LEN(sizeof(int));
  *passed = -1;
  long received = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
  if (received < 0) return -(long)errno;
  struct cmsghdr *c = CMSG_FIRSTHDR(&message);
  if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
      c->cmsg_len == CMSG_LEN(sizeof(int)))
    memcpy(passed, CMSG_DATA(c), sizeof *passed);
  return received;
}
static inline long cordon_peer(int fd, int32_t *process, uint32_t *user, uint32_t *group) {
  struct cordon_ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return -(long)errno;
  *process = credentials.pid;
  *user = credentials.uid;
  *group = credentials.gid;
  return 0;
}

// Processes.

// Starts path with sources[i] as descriptor targets[i]; every other one that is close-on-exec ends.
static inline long cordon_spawn(const char *path, char *const *arguments, char *const *environment,
                                const int *sources, const int *targets, size_t count) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  pid_t process = -1;
  sigset_t none, all;
  int error = posix_spawn_file_actions_init(&actions);
  if (error) return -error;
  error = posix_spawnattr_init(&attributes);
  if (error) {
    posix_spawn_file_actions_destroy(&actions);
    return -error;
  }
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  for (size_t index = 0; index < count && !error; index++)
    error = posix_spawn_file_actions_adddup2(&actions, sources[index], targets[index]);
  if (!error) error = posix_spawn(&process, path, &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error ? -error : process;
}
// The next child that ended, 0 for none; *status is its exit status, or 256 + the signal's number.
static inline long cordon_reap(int *status) {
  int raw = 0;
  pid_t process = waitpid(-1, &raw, WNOHANG);
  if (process < 0) return errno == ECHILD ? 0 : -(long)errno;
  *status = WIFSIGNALED(raw) ? 256 + WTERMSIG(raw) : WEXITSTATUS(raw);
  return process;
}
static inline long cordon_kill(int process, int number) {
  return cordon_result(kill(process, number));
}

// Privileges.

static inline long cordon_user(const char *name, uint32_t *user, uint32_t *group) {
  errno = 0;
  struct passwd *entry = getpwnam(name);
  if (!entry) return -(long)(errno ? errno : ENOENT);
  *user = entry->pw_uid;
  *group = entry->pw_gid;
  return 0;
}
static inline long cordon_change_root(int fd) {
  if (fchdir(fd) < 0 || chroot(".") < 0) return -(long)errno;
  return 0;
}
static inline long cordon_become(uint32_t user, uint32_t group) {
  if (setgroups(0, NULL) < 0) return -(long)errno;
  if (setresgid(group, group, group) < 0) return -(long)errno;
  if (setresuid(user, user, user) < 0) return -(long)errno;
  return 0;
}
static inline long cordon_prctl(int option, unsigned long second, unsigned long third) {
  return cordon_result(prctl(option, second, third, 0UL, 0UL));
}
// Makes permitted and effective exactly the capabilities whose bits are set.
static inline long cordon_capabilities(uint64_t kept) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  memset(data, 0, sizeof data);
  data[0].effective = data[0].permitted = (uint32_t)kept;
  data[1].effective = data[1].permitted = (uint32_t)(kept >> 32);
  return cordon_result(syscall(SYS_capset, &header, data));
}
static inline long cordon_no_core_files(void) {
  struct rlimit none = {0, 0};
  return cordon_result(setrlimit(RLIMIT_CORE, &none));
}

// Lets the process have so many descriptors, as far as it may.
static inline void cordon_allow_descriptors(unsigned count) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= count) return;
  limit.rlim_cur = limit.rlim_max < count ? limit.rlim_max : count;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// The processor time after which the kernel ends the process.
static inline long cordon_limit_processor(unsigned seconds) {
  struct rlimit limit = {seconds, seconds};
  return cordon_result(setrlimit(RLIMIT_CPU, &limit));
}

// System calls.

#if defined(__x86_64__)
static const uint32_t cordon_architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
static const uint32_t cordon_architecture = AUDIT_ARCH_AARCH64;
#else
#error "the filter of system calls doesn't know this architecture"
#endif

// From Linux 4.14: the whole process ends, not the thread.
#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000U
#endif

// What no architecture has under one name, and -1 where it has none: never equal to a call's number.
static inline int cordon_call_epoll_wait(void) {
#ifdef SYS_epoll_wait
  return SYS_epoll_wait;
#else
  return SYS_epoll_pwait;
#endif
}
static inline int cordon_call_poll(void) {
#ifdef SYS_poll
  return SYS_poll;
#else
  return SYS_ppoll;
#endif
}
static inline int cordon_call_old(int which) {
  switch (which) {
#ifdef SYS_open
    case 0: return SYS_open;
    case 1: return SYS_stat;
    case 2: return SYS_access;
    case 3: return SYS_rename;
    case 4: return SYS_unlink;
    case 5: return SYS_readlink;
#endif
    default: return -1;
  }
}
// Installs instructions of the classic Berkeley packet filter; one is 64 bits: the code, the two
// jumps and the operand from the lowest bits on, as struct sock_filter has them.
static inline long cordon_filter_calls(const uint64_t *instructions, size_t count) {
  struct sock_filter filter[256];
  if (count > 256) return -E2BIG;
  for (size_t index = 0; index < count; index++) {
    uint64_t one = instructions[index];
    filter[index].code = (uint16_t)one;
    filter[index].jt = (uint8_t)(one >> 16);
    filter[index].jf = (uint8_t)(one >> 24);
    filter[index].k = (uint32_t)(one >> 32);
  }
  // The C library reads the time zone's file when it is first asked for any date.
  tzset();
  struct sock_fprog program = {(unsigned short)count, filter};
  return cordon_result(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0UL, 0UL));
}

#endif
