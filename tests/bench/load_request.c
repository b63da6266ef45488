#include "load_request.h"

#define CHUNK_HEAD "10000\r\n"
#define CHUNK_END  "0\r\n\r\n"

static void make_head(struct load_request *request, const struct load_shape *shape, const char *line, const char *rest)
{
    const char *authorization = shape->authorization;

    request->head_size = (size_t)snprintf(
        request->head, sizeof(request->head),
        "%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: git/2.39.5\r\nAccept: */*\r\nAccept-Encoding: deflate, gzip\r\n"
        "Git-Protocol: version=2\r\n%s%s%s%s",
        line, shape->host, authorization ? "Authorization: " : "", authorization ? authorization : "",
        authorization ? "\r\n" : "", rest);
}

static void make_block(const struct load_request *request, char *block, bool chunked, const char *text, size_t size)
{
    size_t before = chunked ? sizeof(CHUNK_HEAD) - 1 : 0;

    memset(block, 'x', request->block_size);
    memcpy(block, CHUNK_HEAD, before);
    memcpy(block + before, text, size);
    if (chunked)
        memcpy(block + before + LOAD_BLOCK_DATA, "\r\n", 2);
}

// A push: its command, a flush, the pack (gitprotocol-pack(5)).
static void make_push(struct load_request *request, const struct load_shape *shape)
{
    static const char command[] = "0000000000000000000000000000000000000000 1111111111111111111111111111111111111111 "
                                  "refs/heads/agent/bench";
    static const char capabilities[] = " report-status side-band-64k agent=git/2.39.5";
    char commands[512], line[256], rest[128];
    int size = snprintf(commands, sizeof(commands), "%04zx%s%c%s0000PACK",
                        4 + sizeof(command) + sizeof(capabilities) - 1, command, '\0', capabilities);

    request->blocks = shape->bytes / LOAD_BLOCK_DATA;
    request->block_size = LOAD_BLOCK_DATA + (shape->chunked ? sizeof(CHUNK_HEAD) - 1 + 2 : 0);
    make_block(request, request->first, shape->chunked, commands, (size_t)size);
    make_block(request, request->next, shape->chunked, "", 0);
    request->end = shape->chunked ? CHUNK_END : "";
    snprintf(line, sizeof(line), "POST %s/acme/widgets.git/git-receive-pack", shape->prefix);
    if (shape->chunked)
        snprintf(rest, sizeof(rest), "Transfer-Encoding: chunked\r\n\r\n");
    else
        snprintf(rest, sizeof(rest), "Content-Length: %llu\r\n\r\n", (unsigned long long)shape->bytes);
    make_head(request, shape, line, rest);
}

void load_request_make(struct load_request *request, const struct load_shape *shape)
{
    char line[256];

    memset(request, 0, sizeof(*request));
    request->end = "";
    switch (shape->kind) {
    case LOAD_REFS:
        snprintf(line, sizeof(line), "GET %s/acme/widgets.git/info/refs?service=git-upload-pack", shape->prefix);
        make_head(request, shape, line, "\r\n");
        break;
    case LOAD_DOWN:
        snprintf(line, sizeof(line), "POST %s/acme/%s-%llu.git/git-upload-pack", shape->prefix,
                 shape->chunked ? "chunks" : "bytes", (unsigned long long)shape->bytes);
        make_head(request, shape, line,
                  "Content-Type: application/x-git-upload-pack-request\r\nContent-Length: 22\r\n\r\n"
                  "0012command=fetch\n0000");
        break;
    case LOAD_UP:
        make_push(request, shape);
        break;
    }
    request->size = request->head_size + request->blocks * request->block_size + strlen(request->end);
}

const char *load_request_at(const struct load_request *request, uint64_t offset, size_t *ret_size)
{
    uint64_t block, at;

    if (offset < request->head_size) {
        *ret_size = request->head_size - offset;
        return request->head + offset;
    }
    offset -= request->head_size;
    if (request->blocks > 0 && offset < request->blocks * request->block_size) {
        block = offset / request->block_size;
        at = offset % request->block_size;
        *ret_size = request->block_size - at;
        return (block == 0 ? request->first : request->next) + at;
    }
    at = offset - request->blocks * request->block_size;
    *ret_size = strlen(request->end) - at;
    return request->end + at;
}
