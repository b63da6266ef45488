// Memory that cannot fail: where none is left, one line goes to stderr and the process ends (exit by abort).
#ifndef GITLATCH_MEM_H
#define GITLATCH_MEM_H

#include <stdarg.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "bytes.h"

// All results are owned by the caller, who gives them to mem_free. A size of 0 gives a block of its own too.
void *mem_alloc(size_t size) GL_MUST_CHECK;
// All bytes zero; the product is checked for overflow.
void *mem_alloc_zero(size_t count, size_t size) GL_MUST_CHECK;
void *mem_realloc(void *block, size_t size) GL_MUST_CHECK;
// Makes room for `need` items in an array of `*capacity` items of `item_size` bytes: at least doubles it, so
// that appending one by one is cheap. Gives the array, moved or not; `*capacity` is raised. Overflow ends the
// process.
void *mem_grow(void *array, size_t *capacity, size_t need, size_t item_size) GL_MUST_CHECK;
void mem_free(void *block);

// Ends the process as the functions above do, for who maps memory himself.
void mem_exhausted(void) GL_NORETURN;

// A copy; NULL gives NULL.
char *mem_string(const char *string) GL_MUST_CHECK;
// A C string of the bytes; a NUL inside ends what a reader of the string sees.
char *mem_bytes_string(struct bytes bytes) GL_MUST_CHECK;
char *mem_format(const char *format, ...) GL_PRINTF(1, 2) GL_MUST_CHECK;
char *mem_format_list(const char *format, va_list list) GL_PRINTF(1, 0) GL_MUST_CHECK;

// An allocator that overwrites what is freed, so that no token stays in memory that is no longer used. Its
// functions have malloc's signatures, and return NULL on exhaustion, for libraries that take an allocator
// (curl_global_init_mem).
void *mem_wiping_malloc(size_t size);
void *mem_wiping_calloc(size_t count, size_t size);
void *mem_wiping_realloc(void *block, size_t size);
char *mem_wiping_strdup(const char *string);
void mem_wiping_free(void *block);
// What a TLS connection that streams reads from its socket at once (SSL_CTX_set_default_read_buffer_len): four records
// of 16 KiB a system call, less what they carry beside their payload. OpenSSL takes such a buffer for each burst and gives it
// back after it (SSL_MODE_RELEASE_BUFFERS); a few are kept for it, as they are: to wipe 64 KiB took longer than to relay
// a small request. The next burst overwrites them, and what is kept longer is wiped.
#define MEM_TLS_READ_SIZE ((size_t)64 * KIB)
// Its buffer for one record to be written, kept for the same reason: 16 KiB of payload, and by OpenSSL's version somewhat
// more for header, alignment and what encryption adds (3.0: 200 bytes). What it holds when it is given back is encrypted.
// A buffer for one record to be read, which has 328 bytes more and may hold a token, is none of these.
#define MEM_TLS_WRITE_MIN ((size_t)16 * KIB + 64)
#define MEM_TLS_WRITE_MAX ((size_t)16 * KIB + 256)
// Gives that allocator to OpenSSL and jansson. The first call of main: false where OpenSSL has allocated
// before.
bool mem_wipe_on_free_install(void) GL_MUST_CHECK;

#endif
