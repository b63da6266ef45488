// Runs a fuzz target over a folder of inputs, each whole and cut off at each byte: what the fuzzer once
// found, or was started with, stays right in every build.
#include <dirent.h>
#include <limits.h>

#include "fuzz.h"

// The largest seed is a request of about 1 KiB.
#define INPUT_SIZE_MAX (64 * 1024)

// In memory of exactly its size, so that a read past the end shows under ASan and valgrind.
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    FUZZ_CHECK(copy);
    if (size)
        memcpy(copy, data, size);
    FUZZ_CHECK(LLVMFuzzerTestOneInput(copy, size) == 0);
    free(copy);
}

static void replay(const char *path)
{
    static uint8_t data[INPUT_SIZE_MAX];
    FILE *file = fopen(path, "rb");
    size_t size;

    FUZZ_CHECK(file);
    size = fread(data, 1, sizeof(data), file);
    FUZZ_CHECK(size < sizeof(data) && fclose(file) == 0);
    for (size_t cut = 0; cut <= size; cut++)
        run(data, cut);
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    char path[PATH_MAX];
    const struct dirent *entry;
    size_t count = 0;

    if (!folder) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        FUZZ_CHECK(snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name) < (int)sizeof(path));
        replay(path);
        count++;
    }
    closedir(folder);
    printf("%zu inputs\n", count);
    return count ? 0 : 1;
}
