package serve

import (
	"github.com/prometheus/client_golang/prometheus"

	"coder.internal/database"
	"coder.internal/database/pubsub"
)

// registerPostgres adds what this process knows of its Postgres to the metrics; it
// asks nothing, so they are there when Postgres is not.
func registerPostgres(r prometheus.Registerer, db *database.DB, hints *pubsub.PubSub) {
	gauge := func(name, help string, value func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "coder_postgres_" + name, Help: help}, value))
	}
	yes := func(ok bool) float64 {
		if ok {
			return 1
		}
		return 0
	}
	gauge("reachable", "1 while Postgres answers.", func() float64 { return yes(db.Condition().Reachable) })
	gauge("writable", "1 while Postgres answers and takes changes.", func() float64 { return yes(db.Condition().Writable) })
	gauge("hints", "1 while notifications of Postgres arrive.", func() float64 { return yes(hints.Trouble() == nil) })
	gauge("connections_max", "The size of the pool.", func() float64 { return float64(db.Load().Max) })
	gauge("connections_open", "Connections of the pool.", func() float64 { return float64(db.Load().Open) })
	gauge("connections_in_use", "Connections of the pool in use.", func() float64 { return float64(db.Load().InUse) })
	gauge("waiting", "Calls that wait for a connection.", func() float64 { return float64(db.Load().Waiting) })
	r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "coder_postgres_refused_total",
		Help: "Calls that were refused because too many waited already."}, func() float64 { return float64(db.Load().Refused) }))
}
