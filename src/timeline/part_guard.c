/*
 * SIGBUS under mapped files. Reading a mapped file whose disk fails, or that somebody truncates, raises SIGBUS in the
 * reading thread. The handler looks the address up in a table of registered mappings:
 *
 *   not ours             the handler that was there before (or the default) gets it
 *   inside a part_guard  (and a part's mapping) it is marked damaged and the guarded call ends with E_CORRUPT; the signals blocked
 *                        are those of the interrupted code again, as if the handler had returned (the thread
 *                        sanitizer's own handler blocks all of them, SA_NODEFER or not)
 *   elsewhere            the mapping is marked damaged and zeros are mapped there, so that the reader goes on;
 *                        part_touch refuses the part from then on; readers of other files look at the mark themselves
 *
 * THREADS  The table is written under a lock and read by the handler without one: an address that faults belongs to a
 *          mapping that its reader holds, so its slot is stable.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "timeline/guard.h"
#include "timeline/part.h"
#include "timeline/part_file.h"

enum { GUARD_SLOTS = 8192 };

struct guard_slot {
    atomic_uintptr_t base; /* 0: free */
    atomic_uintptr_t end;
    _Atomic(atomic_bool *) damaged;
    atomic_bool jumps;
};

static struct guard_slot slots[GUARD_SLOTS];
static atomic_int slots_used; /* none beyond is in use */
static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction before;
static _Thread_local sigjmp_buf *volatile guard_here;

static struct guard_slot *slot_of(uintptr_t address) {
    int used = atomic_load(&slots_used);
    for (int i = 0; i < used; i++) {
        uintptr_t base = atomic_load(&slots[i].base);
        if (base && address >= base && address < atomic_load(&slots[i].end))
            return &slots[i];
    }
    return NULL;
}

static void pass_on(int number, siginfo_t *info, void *context) {
    if (before.sa_flags & SA_SIGINFO) {
        before.sa_sigaction(number, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(number);
    } else {
        signal(number, SIG_DFL); /* returning repeats the fault, now fatal */
    }
}

static void on_sigbus(int number, siginfo_t *info, void *context) {
    uintptr_t address = (uintptr_t)info->si_addr;
    struct guard_slot *slot = slot_of(address);
    if (!slot) {
        pass_on(number, info, context);
        return;
    }
    atomic_store(atomic_load(&slot->damaged), true);
    if (guard_here && atomic_load(&slot->jumps)) {
        const ucontext_t *interrupted = context;
        pthread_sigmask(SIG_SETMASK, &interrupted->uc_sigmask, NULL);
        siglongjmp(*guard_here, 1);
    }
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    char *start = (char *)info->si_addr - address % page;
    /* cppcheck-suppress [invalidFunctionArg, leakReturnValNotUsed] ; no file, and the place is known */
    if (mmap(start, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        pass_on(number, info, context);
}

void guard_install(void) {
    struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before);
}

static int guard(const char *base, uint64_t bytes, atomic_bool *damaged, bool jumps) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, guard_install);
    int place = -1;
    pthread_mutex_lock(&slots_lock);
    for (int i = 0; i < GUARD_SLOTS && place < 0; i++)
        if (!atomic_load(&slots[i].base))
            place = i;
    if (place >= 0) {
        atomic_store(&slots[place].end, (uintptr_t)base + bytes);
        atomic_store(&slots[place].damaged, damaged);
        atomic_store(&slots[place].jumps, jumps);
        atomic_store(&slots[place].base, (uintptr_t)base);
        if (place >= atomic_load(&slots_used))
            atomic_store(&slots_used, place + 1);
    }
    pthread_mutex_unlock(&slots_lock);
    return place;
}

int guard_register(const char *base, uint64_t bytes, atomic_bool *damaged) {
    return guard(base, bytes, damaged, true);
}

int guard_register_zeros(const char *base, uint64_t bytes, atomic_bool *damaged) {
    return guard(base, bytes, damaged, false);
}

void guard_unregister(int place) {
    if (place < 0)
        return;
    pthread_mutex_lock(&slots_lock);
    atomic_store(&slots[place].base, 0);
    pthread_mutex_unlock(&slots_lock);
}

int part_damaged(struct err *err, const char *how) {
    int code = err_set(err, E_CORRUPT, "a part of the timeline is damaged: %s", how);
    err_hint(err, "It is rebuilt from the log by itself; ask again in a moment.");
    return code;
}

int part_guard(int (*run)(void *context, struct err *err), void *context, struct err *err) {
    sigjmp_buf here, *volatile outer = guard_here;
    if (sigsetjmp(here, 0)) {
        guard_here = outer;
        return part_damaged(err, ERR_WORDS("it could not be read"));
    }
    guard_here = &here;
    int code = run(context, err);
    guard_here = outer;
    return code;
}
