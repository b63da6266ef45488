#include "mem.h"

#include <malloc.h>
#include <stdint.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/crypto.h>

void mem_exhausted(void)
{
    static const char message[] = "gitlatch: out of memory\n";
    ssize_t written GL_UNUSED = write(STDERR_FILENO, message, sizeof(message) - 1);

    abort();
}

static void *checked(void *block)
{
    if (!block)
        mem_exhausted();
    return block;
}

void *mem_alloc(size_t size)
{
    return checked(malloc(size ? size : 1));
}

void *mem_alloc_zero(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size ? size : 1));
}

void *mem_realloc(void *block, size_t size)
{
    return checked(realloc(block, size ? size : 1));
}

void *mem_grow(void *array, size_t *capacity, size_t need, size_t item_size)
{
    size_t grown, size;

    if (need <= *capacity)
        return array;
    grown = *capacity <= SIZE_MAX / 2 && 2 * *capacity > need ? 2 * *capacity : need;
    if (__builtin_mul_overflow(grown, item_size, &size))
        mem_exhausted();
    array = mem_realloc(array, size);
    *capacity = grown;
    return array;
}

void mem_free(void *block)
{
    free(block);
}

char *mem_string(const char *string)
{
    return string ? checked(strdup(string)) : NULL;
}

char *mem_bytes_string(struct bytes bytes)
{
    char *string = mem_alloc(bytes.size + 1);

    if (bytes.size)
        memcpy(string, bytes.data, bytes.size);
    string[bytes.size] = '\0';
    return string;
}

char *mem_format_list(const char *format, va_list list)
{
    char *string = NULL;

    if (vasprintf(&string, format, list) < 0)
        mem_exhausted();
    return string;
}

char *mem_format(const char *format, ...)
{
    va_list list;
    char *string;

    va_start(list, format);
    string = mem_format_list(format, list);
    va_end(list);
    return string;
}

void *mem_wiping_malloc(size_t size)
{
    return malloc(size);
}

void *mem_wiping_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

// The libraries' own realloc would leave the old block's bytes behind when it moves.
void *mem_wiping_realloc(void *block, size_t size)
{
    size_t usable = malloc_usable_size(block);
    void *moved;

    if (block && size == 0) {
        mem_wiping_free(block);
        return NULL;
    }
    if (block && size <= usable && size > usable / 2)
        return block;
    moved = malloc(size);
    if (moved && block) {
        memcpy(moved, block, size < usable ? size : usable);
        mem_wiping_free(block);
    }
    return moved;
}

char *mem_wiping_strdup(const char *string)
{
    return strdup(string);
}

void mem_wiping_free(void *block)
{
    if (!block)
        return;
    explicit_bzero(block, malloc_usable_size(block));
    free(block);
}

// The loop serves one stream at a time, each with a read in two directions and a write at the most.
#define SPARES_MAX 4

// Blocks of one size that OpenSSL takes and gives back for each burst: a few are kept as they are.
struct spares {
    size_t least, most; // bytes asked for that such a block is given to
    void *blocks[SPARES_MAX];
    size_t count;
};

static struct spares read_buffers = {.least = MEM_TLS_READ_SIZE, .most = MEM_TLS_READ_SIZE};
static struct spares write_buffers = {.least = MEM_TLS_WRITE_MIN, .most = MEM_TLS_WRITE_MAX};

static void *openssl_malloc(size_t size, const char *file, int line)
{
    struct spares *spares = size > MEM_TLS_WRITE_MAX ? &read_buffers : &write_buffers;

    if (size < spares->least || size > spares->most)
        return size ? mem_wiping_malloc(size) : NULL;
    return spares->count > 0 ? spares->blocks[--spares->count] : mem_wiping_malloc(spares->most);
}

static void *openssl_realloc(void *block, size_t size, const char *file, int line)
{
    return mem_wiping_realloc(block, size);
}

// The usable size is rounded up by the C library, by less than 64 bytes.
static bool is_of(const struct spares *spares, size_t usable)
{
    return usable >= spares->most && usable < spares->most + 64;
}

static void openssl_free(void *block, const char *file, int line)
{
    size_t usable = malloc_usable_size(block);
    struct spares *spares = usable > MEM_TLS_WRITE_MAX + 64 ? &read_buffers : &write_buffers;

    if (!GL_SANITIZED && is_of(spares, usable) && spares->count < SPARES_MAX)
        spares->blocks[spares->count++] = block;
    else
        mem_wiping_free(block);
}

bool mem_wipe_on_free_install(void)
{
    json_set_alloc_funcs(mem_wiping_malloc, mem_wiping_free);
    return CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1;
}
