package stat

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// parseProcStat reads the first line of /proc/stat: the time that all processors
// were busy and the time that passed on them, in ticks.
func parseProcStat(text string) (busy, all uint64, err error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 6 || fields[0] != "cpu" {
		return 0, 0, errors.New("the first line is not that of all processors")
	}
	// user nice system idle iowait irq softirq steal; guest times are in user and nice.
	for i, f := range fields[1:min(len(fields), 9)] {
		n, err := strconv.ParseUint(f, 10, 56)
		if err != nil {
			return 0, 0, fmt.Errorf("field %d: %w", i+1, err)
		}
		all += n
		if i != 3 && i != 4 {
			busy += n
		}
	}
	return busy, all, nil
}

// parseQuota turns a quota and its period, in microseconds, into cores; 0 means
// no limit.
func parseQuota(quota, period string) (float64, error) {
	quota, period = strings.TrimSpace(quota), strings.TrimSpace(period)
	if quota == "max" || quota == "-1" {
		return 0, nil
	}
	q, err := strconv.ParseUint(quota, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("quota: %w", err)
	}
	p, err := strconv.ParseUint(period, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("period: %w", err)
	}
	if p == 0 {
		return 0, errors.New("the period is 0")
	}
	return float64(q) / float64(p), nil
}
