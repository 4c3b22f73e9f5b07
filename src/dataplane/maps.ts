// The state that a director keeps in the kernel: one schema for the packet path, control/ and the tools. Everything is
// pinned; what control/ writes, packets read; what packets write (counts, connections), control/ reads in place.
//
//   services ──members──▶ destinations ──hop──▶ the real server
//      ▲ miss                 ▲
//   packet ──hit──▶ buckets ▶ connections ──hop──▶ the client (answers of NAT)

export * from "./maps/limits.js";
export * from "./maps/settings.js";
export * from "./maps/services.js";
export * from "./maps/marks.js";
export * from "./maps/destinations.js";
export * from "./maps/connections.js";
export * from "./maps/synchronisation.js";
export * from "./maps/applications.js";
export * from "./maps/engines.js";
export * from "./maps/fragments.js";
export * from "./maps/counters.js";
export * from "./maps/timers.js";
export * from "./maps/programs.js";
export * from "./maps/families.js";
