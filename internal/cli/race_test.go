//go:build race

package cli

// raced tells that the race detector is in the program: it makes what is measured from outside several times as slow.
const raced = true
