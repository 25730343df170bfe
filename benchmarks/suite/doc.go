// Package suite measures servers against each other, scenario by scenario.
//
// What is measured is data: scenarios.json has the loads, servers.json and the
// peers' servers.json who takes part, targets.json what must come out. A
// Suite that was read with Load is narrowed with Select, and Run measures it:
//
//	s, err := suite.Load(root)
//	err = s.Select("^80x", "lapps,gnetecho")
//	results, err := s.Run(ctx, settings, stdout, log)
//	err = results.Write(name)
//
// For each scenario the servers that can take part are started, and have
// their turns one after the other, round after round (A B C, A B C, …), so that
// what the machine does meanwhile befalls all of them. Figures are medians
// over the rounds; ratios are taken round by round, and then their median.
//
// A server that cannot be started, or fails under the load, is kept in the
// results with the reason and has no figures there; the others go on. One that
// lacks something on this machine is skipped, with a word on how to get it.
package suite
