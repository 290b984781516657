package judging

// quick are the clauses that a quick run judges.
var quick = []string{"CONN-1"}
