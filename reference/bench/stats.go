package main

import (
	"math/rand/v2"
	"slices"
)

// resamples is how often the bootstrap draws; 4,000 settle a 95 % interval to
// its third digit.
const resamples = 4000

// Estimate is a median and its 95 % bootstrap interval.
type Estimate struct{ Mid, Low, High float64 }

// estimate computes the median of xs and, by the percentile bootstrap with a
// fixed seed, the interval that holds it with 95 % confidence.
func estimate(xs []float64) Estimate {
	if len(xs) == 0 {
		return Estimate{}
	}
	random := rand.New(rand.NewPCG(1, uint64(len(xs))))
	medians, drawn := make([]float64, resamples), make([]float64, len(xs))
	for i := range medians {
		for k := range drawn {
			drawn[k] = xs[random.IntN(len(xs))]
		}
		medians[i] = median(drawn)
	}
	slices.Sort(medians)
	return Estimate{Mid: median(slices.Clone(xs)), Low: medians[resamples*25/1000], High: medians[resamples*975/1000]}
}

// median sorts xs in place.
func median(xs []float64) float64 {
	slices.Sort(xs)
	n := len(xs)
	if n%2 == 1 {
		return xs[n/2]
	}
	return (xs[n/2-1] + xs[n/2]) / 2
}

// verdict says what the interval of a ratio shows about a bar that the ratio
// should not exceed.
func verdict(ratio Estimate, bar float64) string {
	switch {
	case ratio.High <= bar:
		return "met"
	case ratio.Low > bar:
		return "missed"
	}
	return "not shown"
}
