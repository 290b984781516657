package cli

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// Each engine numbers its jobs in its own way; all of them come to i of n.
func TestShardOfAnEngine(t *testing.T) {
	for name, c := range map[string]struct {
		environment string // NAME=value, by spaces
		want        shard
		says        string // of the error
	}{
		"Kubernetes, first":            {"JOB_COMPLETION_INDEX=0 REACTORSPEC_SHARDS=3", shard{1, 3}, ""},
		"Kubernetes, last":             {"JOB_COMPLETION_INDEX=2 REACTORSPEC_SHARDS=3", shard{3, 3}, ""},
		"Kubernetes without a total":   {"JOB_COMPLETION_INDEX=2", shard{}, "REACTORSPEC_SHARDS is not set"},
		"Kubernetes, more jobs":        {"JOB_COMPLETION_INDEX=3 REACTORSPEC_SHARDS=3", shard{}, "there is no such job"},
		"Slurm from 0":                 {"SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0", shard{1, 4}, ""},
		"Slurm from 1":                 {"SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1", shard{4, 4}, ""},
		"Slurm in steps":               {"SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=3", shard{3, 3}, ""},
		"Slurm without a count":        {"SLURM_ARRAY_TASK_ID=1", shard{}, "SLURM_ARRAY_TASK_COUNT is not set"},
		"GitLab, first":                {"CI_NODE_INDEX=1 CI_NODE_TOTAL=2", shard{1, 2}, ""},
		"GitLab, last":                 {"CI_NODE_INDEX=2 CI_NODE_TOTAL=2", shard{2, 2}, ""},
		"GitLab, 0":                    {"CI_NODE_INDEX=0 CI_NODE_TOTAL=2", shard{}, "there is no such job"},
		"GitHub, first":                {"REACTORSPEC_SHARD=0 REACTORSPEC_SHARDS=4 CI=true GITHUB_ACTIONS=true", shard{1, 4}, ""},
		"GitHub, last":                 {"REACTORSPEC_SHARD=3 REACTORSPEC_SHARDS=4", shard{4, 4}, ""},
		"GitHub without a total":       {"REACTORSPEC_SHARD=3", shard{}, "REACTORSPEC_SHARDS is not set"},
		"GitHub's runner in a cluster": {"REACTORSPEC_SHARD=1 REACTORSPEC_SHARDS=2 JOB_COMPLETION_INDEX=0", shard{2, 2}, ""},
		"two at once":                  {"CI_NODE_INDEX=1 CI_NODE_TOTAL=2 SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=2", shard{}, "GitLab and Slurm"},
		"no number":                    {"CI_NODE_INDEX=one CI_NODE_TOTAL=2", shard{}, "CI_NODE_INDEX=one"},
		"none":                         {"CI=true", shard{}, "--shard i/n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := shardOf(func(name string) (string, bool) {
				for _, pair := range strings.Fields(c.environment) {
					if key, value, _ := strings.Cut(pair, "="); key == name {
						return value, true
					}
				}
				return "", false
			})
			if got != c.want || (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, %v; want %v, %q", got, err, c.want, c.says)
			}
		})
	}
}

func TestParseShard(t *testing.T) {
	for value, want := range map[string]shard{"": {}, "1/1": {1, 1}, "3/4": {3, 4}} {
		if got, err := parseShard(value); err != nil || got != want {
			t.Errorf("%q is %v, %v", value, got, err)
		}
	}
	for _, value := range []string{"0/4", "5/4", "1", "1/", "/4", "-1/4", "1/4/2", "x/y", "automatic"} {
		if got, err := parseShard(value); err == nil || !strings.Contains(err.Error(), "--shard "+value) {
			t.Errorf("%q is %v, %v", value, got, err)
		}
	}
}

// All shards together are everything, and nothing twice.
func TestPart(t *testing.T) {
	list := []int{0, 1, 2, 3, 4, 5, 6}
	if !slices.Equal(part(shard{}, list), list) {
		t.Error("no shard is not everything")
	}
	for total := 1; total <= 9; total++ {
		var all []int
		for index := 1; index <= total; index++ {
			all = append(all, part(shard{index, total}, list)...)
		}
		slices.Sort(all)
		if !slices.Equal(all, list) {
			t.Errorf("%d shards judge %v", total, all)
		}
	}
}

// The committed manifest numbers its pods as --shard auto reads them.
func TestKubernetesManifest(t *testing.T) {
	text, err := os.ReadFile("../../.ci/kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var job struct {
		Kind string
		Spec struct {
			CompletionMode           string `yaml:"completionMode"`
			Completions, Parallelism int
			Template                 struct {
				Spec struct {
					Containers []struct {
						Args []string
						Env  []struct{ Name, Value string }
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &job); err != nil {
		t.Fatal(err)
	}
	containers := job.Spec.Template.Spec.Containers
	if job.Kind != "Job" || job.Spec.CompletionMode != "Indexed" || len(containers) != 1 || len(containers[0].Env) != 1 {
		t.Fatalf("%+v", job)
	}
	total := containers[0].Env[0]
	for index := range job.Spec.Completions {
		environment := map[string]string{total.Name: total.Value, "JOB_COMPLETION_INDEX": strconv.Itoa(index)}
		got, err := shardOf(func(name string) (string, bool) { value, set := environment[name]; return value, set })
		if want := (shard{index + 1, job.Spec.Completions}); err != nil || got != want {
			t.Errorf("pod %d is %v, %v; want %v", index, got, err, want)
		}
	}
	if !strings.Contains(containers[0].Args[0], "--shard auto") {
		t.Error(containers[0].Args)
	}
}
