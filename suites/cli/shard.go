package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// shard is a part of a matrix: of all targets in the order of their files, every
// total-th from the index-th on. The zero shard is everything.
type shard struct {
	index, total int // index from 1
}

// The environment variables that say which shard a job is, where no engine does
// by itself: the index counts from 0, as GitHub's strategy.job-index and
// Kubernetes do.
const (
	shardVariable  = "REACTORSPEC_SHARD"
	shardsVariable = "REACTORSPEC_SHARDS"
)

// parseShard reads the value of --shard: "i/n", i from 1, or "auto".
func parseShard(value string) (shard, error) {
	switch value {
	case "":
		return shard{}, nil
	case "auto":
		return shardOf(os.LookupEnv)
	}
	first, second, found := strings.Cut(value, "/")
	index, err := strconv.Atoi(first)
	total, err2 := strconv.Atoi(second)
	if !found || err != nil || err2 != nil || index < 1 || total < 1 || index > total {
		return shard{}, fmt.Errorf("--shard %s: write i/n, such as 1/4 for the first of four, or auto", value)
	}
	return shard{index, total}, nil
}

// engine is a system that runs the jobs of a matrix, and how it numbers them.
type engine struct {
	name         string
	index, total string // variables
	first        string // variable with the number of the first job
	base         int    // the number of the first job, where no variable has it
	step         string // variable with the distance between two numbers
}

// engines are those whose jobs --shard auto knows. The first is anybody's: GitHub
// sets no variables for a matrix, so a workflow hands strategy.job-index and
// strategy.job-total over in these.
var engines = []engine{
	{name: "the environment", index: shardVariable, total: shardsVariable},
	{name: "GitLab", index: "CI_NODE_INDEX", total: "CI_NODE_TOTAL", base: 1},
	{name: "Slurm", index: "SLURM_ARRAY_TASK_ID", total: "SLURM_ARRAY_TASK_COUNT", first: "SLURM_ARRAY_TASK_MIN", step: "SLURM_ARRAY_TASK_STEP"},
	// Kubernetes tells a pod its index, and not how many there are.
	{name: "Kubernetes", index: "JOB_COMPLETION_INDEX", total: shardsVariable},
}

// shardOf finds the shard in the environment of a job. Two engines at once are a
// mistake rather than a choice: half the targets would be judged by nobody.
func shardOf(lookup func(string) (string, bool)) (shard, error) {
	var found []engine
	for _, e := range engines {
		if _, set := lookup(e.index); set {
			found = append(found, e)
		}
	}
	if len(found) > 1 && found[0].index == shardVariable {
		found = found[:1] // said on purpose
	}
	switch len(found) {
	case 0:
		return shard{}, fmt.Errorf("--shard auto: no job of Kubernetes, Slurm or GitLab, and %s is not set: set it and %s, or write --shard i/n", shardVariable, shardsVariable)
	case 1:
		return found[0].shard(lookup)
	}
	return shard{}, fmt.Errorf("--shard auto: %s and %s both number this job: write --shard i/n", found[0].name, found[1].name)
}

func (e engine) shard(lookup func(string) (string, bool)) (shard, error) {
	read := func(name string, otherwise int) (int, error) {
		text, set := lookup(name)
		if name == "" || !set && otherwise >= 0 {
			return otherwise, nil
		}
		if !set {
			return 0, fmt.Errorf("--shard auto: %s numbers this job in %s, but %s is not set: set it to the number of jobs", e.name, e.index, name)
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("--shard auto: %s=%s is not a number", name, text)
		}
		return n, nil
	}
	index, err := read(e.index, -1)
	if err != nil {
		return shard{}, err
	}
	total, err := read(e.total, -1)
	if err != nil {
		return shard{}, err
	}
	first, err := read(e.first, e.base)
	if err != nil {
		return shard{}, err
	}
	step, err := read(e.step, 1)
	if err != nil {
		return shard{}, err
	}
	at := (index-first)/max(step, 1) + 1
	if total < 1 || at < 1 || at > total {
		return shard{}, fmt.Errorf("--shard auto: %s says job %d of %d, counted from %d: there is no such job", e.name, index, total, first)
	}
	return shard{at, total}, nil
}

// part is the shard's part of a list.
func part[T any](s shard, list []T) []T {
	if s.total == 0 {
		return list
	}
	var mine []T
	for i, item := range list {
		if i%s.total == s.index-1 {
			mine = append(mine, item)
		}
	}
	return mine
}

func (s shard) String() string { return fmt.Sprintf("%d/%d", s.index, s.total) }
