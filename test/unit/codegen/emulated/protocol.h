// What is said to the emulated process: requests of fixed size, some followed by bytes. Both sides are little-endian
// with 64-bit pointers. Plain C.
#ifndef NETC_TEST_EMULATED_PROTOCOL_H
#define NETC_TEST_EMULATED_PROTOCOL_H

#include <stdint.h>

enum emulator_action {
  LOAD,     /* `size` bytes of path follow; answers the library */
  UNLOAD,   /* the library at `address` */
  FIND,     /* `size` bytes of symbol follow, of the library at `address`; answers its address */
  ALLOCATE, /* `size` bytes at an address that is `address` modulo 64; answers it */
  RELEASE,  /* everything allocated */
  WRITE,    /* `size` bytes follow, for `address` */
  READ,     /* answers `size` bytes at `address` */
  CALL      /* the function at `address` with a context at `size` and `chunk`; answers 0 when it has returned */
};

struct emulator_request {
  uint64_t action, address, size;
  int64_t chunk;
};

#endif
