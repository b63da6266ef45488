// Makes C of a file when gitlatch is built: `embed FILE NAME` prints the array NAME and NAME_size.
#include <stdio.h>

int main(int argc, char **argv)
{
    FILE *file = argc == 3 ? fopen(argv[1], "r") : NULL;
    int c;
    unsigned long count = 0;

    if (!file) {
        fprintf(stderr, "embed: give a file that can be read, and a name\n");
        return 1;
    }
    printf("#include <stddef.h>\nextern const char %s[];\nextern const size_t %s_size;\nconst char %s[] = {", argv[2],
           argv[2], argv[2]);
    for (; (c = getc(file)) != EOF; count++)
        printf("%s%d,", count % 24 == 0 ? "\n" : "", c < 128 ? c : c - 256);
    printf("0};\nconst size_t %s_size = %lu;\n", argv[2], count);
    return ferror(file) || fclose(file) != 0 || fflush(stdout) != 0;
}
