package budget

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestALimitOncePassedStaysPassed(t *testing.T) {
	b := New(Limits{Steps: 3})
	require.NoError(t, b.Steps(3))
	require.NoError(t, b.Err())
	assert.Equal(t, &Exceeded{"steps", 3}, b.Steps(1))
	assert.Equal(t, &Exceeded{"steps", 3}, b.Steps(0))
	assert.Equal(t, &Exceeded{"steps", 3}, b.Bytes(1))
	assert.True(t, Is(fmt.Errorf("reading: %w", b.Err())))
	assert.EqualError(t, b.Err(), "it takes more than 3 steps")
}

func TestAPartCountsForTheWhole(t *testing.T) {
	run := New(Limits{Bytes: 10})
	one, two := run.Part(Limits{Bytes: 6}), run.Part(Limits{Bytes: 6})
	require.NoError(t, one.Bytes(5))
	require.Error(t, one.Bytes(2), "beyond its own limit")
	require.NoError(t, run.Err(), "the run goes on")
	assert.EqualError(t, two.Bytes(6), "it needs more than 10 bytes", "together they are beyond the run's")
	assert.Error(t, run.Part(Limits{}).Steps(1), "the run has nothing left")
}

func TestApart(t *testing.T) {
	run := New(Limits{Steps: 1})
	a := run.Part(Limits{}).Apart("a", Limits{Steps: 2})
	assert.Same(t, a, run.Apart("a", Limits{Steps: 2}))
	assert.NotSame(t, a, run.Apart("b", Limits{}))
	require.Error(t, a.Part(Limits{}).Steps(3))
	require.NoError(t, run.Steps(1), "the run goes on")
	require.NoError(t, (*Budget)(nil).Apart("a", Limits{}).Steps(1))
}

func TestDepthIsGivenBack(t *testing.T) {
	b := New(Limits{Depth: 2})
	for range 10 {
		leave, err := b.Enter()
		require.NoError(t, err)
		leave()
	}
	leave1, err := b.Enter()
	require.NoError(t, err)
	leave2, err := b.Enter()
	require.NoError(t, err)
	leave3, err := b.Enter()
	assert.EqualError(t, err, "it is nested more than 2 deep")
	leave3()
	leave2()
	leave1()
}

func TestNilCountsNothing(t *testing.T) {
	var b *Budget
	require.NoError(t, b.Steps(1<<60))
	leave, err := b.Enter()
	require.NoError(t, err)
	leave()
	require.NoError(t, b.Part(Limits{}).Bytes(1<<60))
}

func TestContext(t *testing.T) {
	b := New(Limits{})
	assert.Same(t, b, From(With(context.Background(), b)))
	assert.NotNil(t, From(context.Background()))
}

func TestConcurrentUse(t *testing.T) {
	b := New(Limits{Steps: 1000})
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 100 {
				assert.NoError(t, b.Steps(1))
			}
		})
	}
	wg.Wait()
	assert.Error(t, b.Steps(1))
}

func TestNesting(t *testing.T) {
	for text, deep := range map[string]bool{
		`[[]]`: false, `[{"a": []}]`: true, `["]", ["]", []]]`: true, `["[[["]`: false, `["\"]", [[`: true, `[} [} [`: true, `"\", [["]"`: false, `["a`: false,
	} {
		assert.Equal(t, deep, ShallowJSON([]byte(text), 2) != nil, text)
	}
}

func TestForksCountInTheirTurn(t *testing.T) {
	b := New(Limits{Steps: 10})
	first, second := b.Fork(), b.Fork()
	require.NoError(t, second.Steps(6))
	require.NoError(t, first.Steps(6))
	require.NoError(t, first.Apart("x", Limits{Bytes: 5}).Bytes(4))
	assert.True(t, b.Join(first))
	assert.False(t, b.Join(second), "both together pass the limit")
	require.NoError(t, b.Steps(4), "and what does not fit does not count")
	require.Error(t, b.Steps(1))

	b = New(Limits{})
	require.NoError(t, b.Apart("x", Limits{Bytes: 5}).Bytes(2))
	assert.False(t, b.Join(first), "what is counted apart counts, too")
	failed := b.Fork()
	require.Error(t, failed.Apart("y", Limits{Steps: 1}).Steps(2))
	assert.False(t, b.Join(failed), "what failed by itself is done again")
}
