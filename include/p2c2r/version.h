/* version.h - versions of the library and of its binary interface, for build scripts and for C. */
#ifndef P2C2R_VERSION_H
#define P2C2R_VERSION_H

#define P2C2R_VERSION_MAJOR 0
#define P2C2R_VERSION_MINOR 1
#define P2C2R_VERSION_PATCH 0
#define P2C2R_VERSION_STRING "0.1.0"

/* The binary interface: a host compiled for another number is refused by p2c2r_runtime_create. */
#define P2C2R_ABI_VERSION 1u

#endif
