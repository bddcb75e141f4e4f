// Package hostile tests what a repository of a stranger can do to whoever runs ctxaudit in it: SECURITY.md says what is
// promised, and each script in testdata tries to break a promise, as a user would meet it, with the program itself.
//
// `traced ctxaudit ...` runs it under strace and fails if it starts a program other than git, opens a socket to a
// network, touches what lies in $WORK/outside, or writes where it must not. `bounded ctxaudit ...` fails if it needs
// more memory or time than a small input may cost.
package hostile
