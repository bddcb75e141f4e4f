// Package offline takes the network away from this process and from the programs that it starts. ctxaudit asks nobody
// anything, and what it reads was written by strangers: should a library below it want to dial, the kernel refuses.
//
// It is a second line of defence: nothing here relies on it, and where the kernel has no filters there is none.
package offline
