/* Tries cross/copy.c: every length up to some words, from and to every place in a word, apart and overlapping either way. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { ROOM = 192, LONGEST = 70 };

int main(void) {
    static unsigned char now[ROOM], was[ROOM];
    long tried = 0;
    for (int both = 0; both < 2; both++)
        for (size_t from = 64; from < 80; from++)
            for (size_t to = 0; to < ROOM - LONGEST; to++)
                for (size_t n = 0; n <= LONGEST; n++) {
                    if (both && (to < from ? from - to : to - from) < n) continue;
                    for (size_t i = 0; i < ROOM; i++) now[i] = was[i] = i;
                    void *given = (both ? memcpy : memmove)(now + to, now + from, n);
                    for (size_t i = 0; i < ROOM; i++) {
                        unsigned char wanted = i >= to && i < to + n ? was[from + i - to] : was[i];
                        if (given != now + to || now[i] != wanted) return printf("%zu bytes from %zu to %zu: wrong\n", n, from, to), 1;
                    }
                    tried++;
                }
    printf("copying: %ld ways, all right\n", tried);
}
