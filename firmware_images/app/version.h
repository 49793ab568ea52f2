/* version.h - the version of the sources; build.py takes it from validator/version.py. Records and status say the
 * image's own, which whoever signs it gives. */
#ifndef YIMA_VERSION
#error "build.py names the version"
#endif
