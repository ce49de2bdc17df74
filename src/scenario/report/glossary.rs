//! The words of a report, explained: in its page, below its table, in the help of `skyscan replay`.

/// Words and what they mean.
pub const GLOSSARY: [(&str, &str); 9] = [
    ("N", "worker slots; each works on one task at a time"),
    (
        "utilisation",
        "busy share of the slots in the steady state, as the workers measured their work; timers that wake late count as \
         work, so it may come out a little above 1",
    ),
    (
        "as drawn",
        "the same with the time that was drawn for each task: what timers are late counts as idle",
    ),
    (
        "MVA",
        "the utilisation by mean value analysis (Reiser and Lavenberg 1980): a closed form for a master with N workers that \
         each hold one task. Absent where that does not hold, as with more credit",
    ),
    (
        "bound",
        "the utilisation cannot be above this: the least of 1, of what the hub's time per task allows, and of the window",
    ),
    (
        "N*",
        "the knee: work of a task over the hub's time for it, the number of slots that one hub can keep busy",
    ),
    (
        "makespan, T50, T99",
        "from the first task handed out until all, half, 99 % of the results were in",
    ),
    (
        "wait p99",
        "99 % of the tasks began within this after the Scanner gave them to its hub. Credit above the slots has workers hold \
         their next task while they work: it waits longer, and they do not wait at all",
    ),
    (
        "void",
        "the load generator was the bottleneck, not what is tested: drawn hollow, never in a verdict or an answer",
    ),
];
