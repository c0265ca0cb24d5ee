/* Linked into every program of another processor that .ci/processors builds: programs of its own kind that it starts go through the
   emulator that RINGPAD_RUNNER names ("qemu-s390x -L /usr/s390x-linux-gnu"), also behind a host's program such as `unshare`. The
   emulator starts them by the host's kernel, which knows the host's kind alone. Nothing changes without the variable. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_WORDS = 16, MOST_BYTES = 512 };

extern char **environ;
extern const ElfW(Ehdr) __ehdr_start; /* this program's own header, from the linker */

static int is_of_our_kind(const char *path) {
    ElfW(Ehdr) header;
    if (path[0] != '/')
        return 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t got = read(file, &header, sizeof header);
    close(file);
    return got == sizeof header && !memcmp(header.e_ident, __ehdr_start.e_ident, EI_DATA + 1) &&
           header.e_machine == __ehdr_start.e_machine;
}

static int count(char *const words[]) {
    int many = 0;
    while (words[many])
        many++;
    return many;
}

/* The first word that is a program of our kind, with the runner's words before it; 0 if there is none. No memory is allocated:
   this may run between fork and exec. `into` has room for the words and MOST_WORDS more. */
static int through_runner(const char *path, char *const words[], char *into[], char text[MOST_BYTES]) {
    const char *runner = getenv("RINGPAD_RUNNER");
    if (!runner || strlen(runner) >= MOST_BYTES)
        return 0;
    int at = 0;
    if (!is_of_our_kind(path))
        for (at = 1; at < count(words) && !is_of_our_kind(words[at]); at++)
            ;
    if (at >= count(words) && at > 0)
        return 0;
    int many = 0;
    for (; many < at; many++)
        into[many] = words[many];
    char *rest = strcpy(text, runner), *word;
    while (many < at + MOST_WORDS - 2 && (word = strsep(&rest, " ")))
        if (*word)
            into[many++] = word;
    into[many++] = at ? words[at] : (char *)path;
    for (int i = at + 1; i <= count(words); i++)
        into[many++] = words[i];
    return 1;
}

int execvp(const char *path, char *const words[]) {
    char *into[count(words) + MOST_WORDS + 1], text[MOST_BYTES];
    if (!through_runner(path, words, into, text))
        return execvpe(path, words, environ);
    return execvpe(into[0], into, environ);
}

int posix_spawnp(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                 char *const words[], char *const environment[]) {
    int (*real)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[], char *const[]) =
        dlsym(RTLD_NEXT, "posix_spawnp");
    char *into[count(words) + MOST_WORDS + 1], text[MOST_BYTES];
    if (!through_runner(path, words, into, text))
        return real(pid, path, actions, attributes, words, environment);
    return real(pid, into[0], actions, attributes, into, environment);
}
