/* version.h - the software's version as it stands in records; build.py takes it from validator/version.py. */
#ifndef YIMA_VERSION
#error "build.py names the version"
#endif
