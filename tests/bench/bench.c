#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <strings.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <openssl/err.h>

void bench_die(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    ERR_print_errors_fp(stderr);
    exit(1);
}

uint64_t bench_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void set_nodelay(int fd)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int bench_listen(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    set_nodelay(fd); // an accepted socket inherits it
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 4096) ||
        getsockname(fd, (struct sockaddr *)&address, &size))
        bench_die("listen: %s", strerror(errno));
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int bench_connect(uint16_t port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        bench_die("socket: %s", strerror(errno));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
        close(fd);
        return -1;
    }
    set_nodelay(fd);
    return fd;
}

void bench_set_nonblocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void bench_raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static SSL_CTX *context_new(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);

    signal(SIGPIPE, SIG_IGN); // who writes to a peer that has gone is told by the write
    if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) ||
        !SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256"))
        bench_die("TLS");
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, 4 * BENCH_RECORD);
    return context;
}

SSL_CTX *bench_server_context(const char *certificate, const char *key)
{
    SSL_CTX *context = context_new(TLS_server_method());

    if (!SSL_CTX_use_certificate_chain_file(context, certificate) ||
        !SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM))
        bench_die("%s, %s: no certificate and key could be read", certificate, key);
    return context;
}

SSL_CTX *bench_client_context(const char *trust)
{
    SSL_CTX *context = context_new(TLS_client_method());

    if (!SSL_CTX_load_verify_file(context, trust))
        bench_die("%s: no certificates could be read", trust);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return context;
}

SSL *bench_client(SSL_CTX *context, int fd, const char *host)
{
    static const unsigned char alpn[] = "\x08http/1.1";
    SSL *ssl = SSL_new(context);
    char name[256]; // OpenSSL's macro takes no constant

    snprintf(name, sizeof(name), "%s", host);
    if (!ssl || !SSL_set1_host(ssl, host) || !SSL_set_tlsext_host_name(ssl, name) || !SSL_set_fd(ssl, fd))
        bench_die("TLS");
    SSL_set_alpn_protos(ssl, alpn, sizeof(alpn) - 1);
    SSL_set_connect_state(ssl);
    return ssl;
}

static ssize_t outcome(const SSL *ssl, int result, size_t count)
{
    if (result == 1)
        return (ssize_t)count;
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return 0;
    default:
        return -1;
    }
}

ssize_t bench_read(SSL *ssl, char *at, size_t size)
{
    size_t count;
    int result;

    ERR_clear_error(); // another connection's error would be taken for this one's
    result = SSL_read_ex(ssl, at, size, &count);
    return outcome(ssl, result, count);
}

ssize_t bench_write(SSL *ssl, const char *data, size_t size)
{
    size_t count;
    int result;

    ERR_clear_error();
    result = SSL_write_ex(ssl, data, size, &count);
    return outcome(ssl, result, count);
}

const char *bench_head_field(const char *data, const struct bench_head *head, const char *name, size_t *ret_size)
{
    const char *line = data, *end = data + head->size;
    size_t name_size = strlen(name);

    while ((line = memmem(line, (size_t)(end - line), "\r\n", 2))) {
        line += 2;
        if ((size_t)(end - line) > name_size && line[name_size] == ':' && !strncasecmp(line, name, name_size)) {
            const char *value = line + name_size + 1;

            value += strspn(value, " \t");
            *ret_size = (size_t)((const char *)memchr(value, '\r', (size_t)(end - value)) - value);
            return value;
        }
    }
    return NULL;
}

bool bench_head_parse(struct bench_head *head, const char *data, size_t size)
{
    const char *end = memmem(data, size, "\r\n\r\n", 4), *space, *value;
    size_t value_size;

    if (!end)
        return false;
    *head = (struct bench_head){.size = (size_t)(end - data) + 4};
    space = memchr(data, ' ', head->size);
    if (!space)
        bench_die("not HTTP: %.*s", (int)head->size, data);
    if (!strncmp(data, "HTTP/1.", 7)) {
        head->status = atoi(space + 1);
    } else {
        head->target = space + 1;
        head->target_size = strcspn(head->target, " \r");
    }
    value = bench_head_field(data, head, "Content-Length", &value_size);
    head->body = value ? strtoull(value, NULL, 10) : 0;
    value = bench_head_field(data, head, "Transfer-Encoding", &value_size);
    head->chunked = value && value_size == 7 && !strncasecmp(value, "chunked", 7);
    return true;
}
