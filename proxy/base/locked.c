#include "locked.h"

#include <errno.h>
#include <sys/mman.h>

#include "mem.h"

// A slab is cut into cells of one size, a power of two. A token of 520 characters takes a cell of 1 KiB, so a
// slab holds 16 of them; under the 64 KiB that a container may lock, four slabs fit. Slabs are kept: their
// number is bounded by the most secrets that were ever held at once.
#define SLAB_SIZE     (16 * KIB)
#define CELL_MIN_SIZE ((size_t)64)
#define CELL_MAX_SIZE (8 * KIB)
#define CELL_SIZES    8 // 64, 128, … 8192
#define PAGE_SIZE     ((size_t)4096)

struct cell {
    struct cell *next;
};

static struct cell *free_cells[CELL_SIZES];
static void (*warn_unlocked)(int code); // NULL: nobody asked for it, or it was called

static size_t cell_class(size_t size)
{
    size_t class = 0;

    while ((CELL_MIN_SIZE << class) < size)
        class ++;
    return class;
}

static void *map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        mem_exhausted();
    if (mlock(memory, size) != 0 && warn_unlocked) {
        void (*warn)(int code) = warn_unlocked;

        warn_unlocked = NULL;
        warn(errno);
    }
    madvise(memory, size, MADV_DONTDUMP);
    return memory;
}

static size_t page_ceiling(size_t size)
{
    return (size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
}

static void put(size_t class, void *block)
{
    struct cell *cell = block;

    cell->next = free_cells[class];
    free_cells[class] = cell;
}

void *locked_alloc(size_t size)
{
    size_t class;
    struct cell *cell;

    if (size > CELL_MAX_SIZE)
        return map(page_ceiling(size));
    class = cell_class(size);
    if (!free_cells[class]) {
        char *slab = map(SLAB_SIZE);

        for (size_t at = 0; at < SLAB_SIZE; at += CELL_MIN_SIZE << class)
            put(class, slab + at);
    }
    cell = free_cells[class];
    free_cells[class] = cell->next;
    cell->next = NULL; // the rest was zero already
    return cell;
}

void locked_free(void *block, size_t size)
{
    explicit_bzero(block, size);
    if (size > CELL_MAX_SIZE)
        munmap(block, page_ceiling(size));
    else
        put(cell_class(size), block);
}

void locked_warn_by(void (*warn)(int code))
{
    warn_unlocked = warn;
}
