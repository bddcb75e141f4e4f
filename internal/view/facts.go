package view

import (
	"reflect"
	"sync"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// Facts are what the audits of one repository find out once: of several images, and of the trials of repairs, which see the
// repository with files laid over it. It is safe for concurrent use.
type Facts struct {
	mu   sync.Mutex
	kept map[any]any
}

// NewFacts gives facts of which none is known yet.
func NewFacts() *Facts { return &Facts{kept: map[any]any{}} }

// Fact gives what is kept under a key; the first who asks makes it. To make it must be quick: what takes time is done by who holds
// it, once.
func Fact[T any](f *Facts, key any, make func() T) T {
	f.mu.Lock()
	defer f.mu.Unlock()
	if have, ok := f.kept[key].(T); ok {
		return have
	}
	made := make()
	f.kept[key] = made
	return made
}

// FactOf is [Fact] for facts of one directory, in which nothing is laid over. Where it cannot be told from others nothing is kept.
func FactOf[T any](f *Facts, dir dockerctx.FS, key string, make func() T) T {
	if !reflect.TypeOf(dir).Comparable() {
		return make()
	}
	return Fact(f, factOf{dir, key}, make)
}

type factOf struct {
	dir dockerctx.FS
	key string
}
