// Package budget bounds what a run spends on files that nobody vouches for. Every evaluator of such files counts here: the
// steps that it takes, the bytes that it makes or holds, and how deep it goes. What exceeds its budget ends with an
// [*Exceeded], and whoever asked for it tells that once, with its place, and goes on with the rest.
//
// There are two levels. A run has one budget ([New], carried by a context: [With], [From]). An evaluation of one file has a
// [Budget.Part] of it with limits of its own, so that one file cannot use up what the others need; what a part spends counts
// for the run, too.
package budget

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// Limits are what may be spent; 0 is no limit of its own.
type Limits struct {
	// Steps are evaluations, of an expression, a command, a line, an entry: whatever an evaluator counts as one.
	Steps int64
	// Bytes are what is read, made or held, without regard to what is given back.
	Bytes int64
	// Depth is how many calls of Enter may be open at once.
	Depth int64
}

// Run are the limits of a whole run: far beyond what the largest repositories need, and little enough that a run which
// meets them ends in seconds.
var Run = Limits{Steps: 50_000_000, Bytes: 2 << 30}

// Exceeded tells that something needs more than it may.
type Exceeded struct {
	Kind  string // "steps", "bytes", "depth"
	Limit int64
}

func (e *Exceeded) Error() string {
	switch e.Kind {
	case "steps":
		return fmt.Sprintf("it takes more than %d steps", e.Limit)
	case "bytes":
		return fmt.Sprintf("it needs more than %d bytes", e.Limit)
	}
	return fmt.Sprintf("it is nested more than %d deep", e.Limit)
}

// Is reports whether an error is, or wraps, an [*Exceeded].
func Is(err error) bool {
	var e *Exceeded
	return errors.As(err, &e)
}

// Budget counts what is spent. It is safe for concurrent use. Nil counts nothing.
type Budget struct {
	limits              Limits
	steps, bytes, depth atomic.Int64
	above               *Budget
	failed              atomic.Pointer[Exceeded]
	apart               sync.Map // by name
}

// New gives a budget.
func New(l Limits) *Budget { return &Budget{limits: l} }

// Part gives a budget for a part of the work. What it spends counts for b, too.
func (b *Budget) Part(l Limits) *Budget { return &Budget{limits: l, above: b} }

// Apart gives the budget of that name beside b, with limits of its own: for work of one kind that is done again and again,
// which together must not take long and whose end is not that of everything else.
func (b *Budget) Apart(name string, l Limits) *Budget {
	if b == nil {
		return nil
	}
	for b.above != nil {
		b = b.above
	}
	beside, _ := b.apart.LoadOrStore(name, New(l))
	return beside.(*Budget)
}

// Fork gives a budget with the same limits for work that is done beside other work: what it spends counts only once it is
// joined, so that the order in which such work ends decides nothing.
func (b *Budget) Fork() *Budget {
	if b == nil {
		return nil
	}
	return New(b.limits)
}

// Join counts what a fork spent. It is false, and nothing is counted, if a limit is passed then: the work is to be done again,
// in its turn.
func (b *Budget) Join(fork *Budget) bool {
	if b == nil {
		return true
	}
	ok := b.holds(fork)
	fork.apart.Range(func(name, beside any) bool {
		ok = ok && b.Apart(name.(string), beside.(*Budget).limits).holds(beside.(*Budget))
		return ok
	})
	if !ok {
		return false
	}
	b.add(fork)
	fork.apart.Range(func(name, beside any) bool {
		b.Apart(name.(string), beside.(*Budget).limits).add(beside.(*Budget))
		return true
	})
	return true
}

// holds reports whether what another budget spent can be added without passing a limit.
func (b *Budget) holds(o *Budget) bool {
	within := func(limit int64, a, b *atomic.Int64) bool { return limit <= 0 || a.Load()+b.Load() <= limit }
	return o.failed.Load() == nil && b.failed.Load() == nil && within(b.limits.Steps, &b.steps, &o.steps) && within(b.limits.Bytes, &b.bytes, &o.bytes)
}

func (b *Budget) add(o *Budget) {
	b.steps.Add(o.steps.Load())
	b.bytes.Add(o.bytes.Load())
}

// Steps counts n steps. Once a limit is passed, every further call fails.
func (b *Budget) Steps(n int64) error {
	return b.spend("steps", n, func(b *Budget) (*atomic.Int64, int64) { return &b.steps, b.limits.Steps })
}

// Bytes counts n bytes.
func (b *Budget) Bytes(n int64) error {
	return b.spend("bytes", n, func(b *Budget) (*atomic.Int64, int64) { return &b.bytes, b.limits.Bytes })
}

func (b *Budget) spend(kind string, n int64, of func(*Budget) (*atomic.Int64, int64)) error {
	for ; b != nil; b = b.above {
		spent, limit := of(b)
		if sum := spent.Add(n); limit > 0 && sum > limit {
			b.failed.CompareAndSwap(nil, &Exceeded{kind, limit})
		}
		if err := b.failed.Load(); err != nil {
			return err
		}
	}
	return nil
}

// Enter goes one level deeper; leave comes back. It must be called once, also after an error.
func (b *Budget) Enter() (leave func(), err error) {
	if b == nil {
		return func() {}, nil
	}
	if deep := b.depth.Add(1); b.limits.Depth > 0 && deep > b.limits.Depth {
		b.failed.CompareAndSwap(nil, &Exceeded{"depth", b.limits.Depth})
	}
	leave = func() { b.depth.Add(-1) }
	if err := b.Err(); err != nil {
		return leave, err
	}
	return leave, nil
}

// Err gives the limit that was passed, nil if none was.
func (b *Budget) Err() error {
	for ; b != nil; b = b.above {
		if err := b.failed.Load(); err != nil {
			return err
		}
	}
	return nil
}

type key struct{}

// With gives a context that carries a budget.
func With(ctx context.Context, b *Budget) context.Context { return context.WithValue(ctx, key{}, b) }

// From gives the budget of a context; a new one with the limits of a run if it has none.
func From(ctx context.Context) *Budget {
	if b, ok := ctx.Value(key{}).(*Budget); ok {
		return b
	}
	return New(Run)
}
