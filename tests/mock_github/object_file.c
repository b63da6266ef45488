// Files in and out of a call, in constant memory.
#include "object_host.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

// "bytes=FIRST-" or "bytes=FIRST-LAST" (RFC 9110, section 14.1.2); more than one range is not understood.
static bool parse_range(const char *value, int64_t size, int64_t *ret_first, int64_t *ret_last)
{
    long long first;
    long long last = size - 1;

    if (!value || sscanf(value, "bytes=%lld-%lld", &first, &last) < 1)
        return false;
    *ret_first = first;
    *ret_last = last < size ? last : size - 1;
    return true;
}

static void send_part(struct call *call, int fd, int64_t size)
{
    char *buffer = mock_text_allocate(WIRE_BUFFER_SIZE);

    while (size > 0) {
        ssize_t count = read(fd, buffer, size < (int64_t)WIRE_BUFFER_SIZE ? (size_t)size : WIRE_BUFFER_SIZE);

        if (count <= 0 || !call_write(call, buffer, (size_t)count))
            break;
        size -= count;
    }
    free(buffer);
    if (size > 0)
        call->wire->broken = true;
    call_finish(call);
}

void object_host_send_file(struct call *call, const char *path, const char *headers)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    int64_t first = 0;
    int64_t last;
    bool part;
    char *all;

    if (fd < 0 || fstat(fd, &status) != 0) {
        call_answer_text(call, 404, "Not Found\n");
        return;
    }
    last = status.st_size - 1;
    part = parse_range(call_header(call, "Range"), status.st_size, &first, &last);
    if (part && (first > last || first < 0)) {
        call_answer_text(call, 416, "The range is not there.\n");
    } else {
        all = part ? mock_text_format("%sAccept-Ranges: bytes\r\nContent-Range: bytes %lld-%lld/%lld\r\n", headers,
                                      (long long)first, (long long)last, (long long)status.st_size)
                   : mock_text_format("%sAccept-Ranges: bytes\r\n", headers);
        lseek(fd, first, SEEK_SET);
        call_start(call, part ? 206 : 200, all, last - first + 1);
        send_part(call, fd, last - first + 1);
        free(all);
    }
    close(fd);
}

static int create(const char *path)
{
    char *copy = mock_text_copy(path);

    if (mkdir(dirname(copy), 0755) != 0 && errno != EEXIST)
        warn("%s", copy);
    free(copy);
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

static char *hexadecimal(EVP_MD_CTX *digest)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    struct mock_text digits = {0};

    EVP_DigestFinal_ex(digest, raw, &size);
    for (unsigned i = 0; i < size; i++)
        mock_text_printf(&digits, "%02x", raw[i]);
    return digits.data;
}

char *object_host_receive_file(struct call *call, const char *path)
{
    int fd = create(path);
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    char *buffer = mock_text_allocate(WIRE_BUFFER_SIZE);
    char *sum = NULL;
    ssize_t count;

    EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
    do {
        count = fd < 0 ? -1 : call_read(call, buffer, WIRE_BUFFER_SIZE);
        if (count > 0 && write(fd, buffer, (size_t)count) != count)
            count = -1;
        if (count > 0)
            EVP_DigestUpdate(digest, buffer, (size_t)count);
    } while (count > 0);
    if (count == 0)
        sum = hexadecimal(digest);
    EVP_MD_CTX_free(digest);
    free(buffer);
    if (fd >= 0)
        close(fd);
    return sum;
}
