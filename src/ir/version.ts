/** The version of this library that files name; a test compares it with package.json. */
export const LIBRARY_VERSION = '0.1.0';
