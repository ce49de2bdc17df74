//! Two panels over one axis of time: slots and those with a task, and the rate. Tails are shaded,
//! rounds named.

use super::{Moment, Timeline};
use crate::ScanRecord;
use crate::drawing::chart::{Axis, GRID, HUES};
use crate::drawing::figure::{Figure, PAGE_HEIGHT, PAGE_WIDTH, Shape, filled, stroked};
use crate::drawing::lettering::{Anchor, text};
use crate::drawing::outline::{Colour, INK, MUTED, Outline, PAPER, Point, at, pen};
use crate::plot::{subtitle, title};

const LEFT: f64 = 190.0;
const WIDTH: f64 = 1640.0;
const BUSY: Colour = HUES[0];
const RATE: Colour = HUES[2];
const TAIL: Colour = Colour([240, 228, 210, 255]);
const SMALL: f64 = 22.0;
/// The rate is counted in so many spans.
const SPANS: usize = 80;

/// One of the panels.
struct Panel {
    top: f64,
    height: f64,
    x: Axis,
    y: Axis,
}

pub(super) fn compose(timeline: &Timeline, scan: &ScanRecord<'_>) -> Option<Figure> {
    let moments = timeline.moments();
    let last = moments.last()?;
    if last.at_s <= 0.0 {
        return None;
    }
    let time = Axis::linear("seconds since the scan began", (0.0, last.at_s));
    let most_slots = moments.iter().map(|moment| moment.n_slots).max()?.max(1);
    let slots = Panel {
        top: 210.0,
        height: 330.0,
        x: time.clone(),
        y: Axis::linear("slots", (0.0, 1.08 * most_slots as f64)),
    };
    let rates = rates(moments, last.at_s);
    let most = rates.iter().copied().fold(1.0, f64::max);
    let rate = Panel {
        top: 600.0,
        height: 330.0,
        x: time,
        y: Axis::linear("pixels per second", (0.0, 1.08 * most)),
    };

    let mut figure = Figure::new();
    figure.fill(Outline::rectangle(0.0, 0.0, PAGE_WIDTH, PAGE_HEIGHT), PAPER);
    figure.write(text(&title(scan), 38.0, at(LEFT, 76.0)).bold());
    let below = format!("{} · how the scan went", subtitle(scan));
    figure.write(text(&below, 24.0, at(LEFT, 116.0)).colour(MUTED));
    for panel in [&slots, &rate] {
        panel.ground(&mut figure, moments);
    }
    slots.draw_slots(&mut figure, moments);
    rate.draw_rates(&mut figure, &rates);
    rounds(&mut figure, &slots, &rate, moments);
    slots.axes(&mut figure, false);
    rate.axes(&mut figure, true);
    key(&mut figure, timeline, last);
    Some(figure)
}

/// Pixels per second in even spans.
fn rates(moments: &[Moment], end_s: f64) -> Vec<f64> {
    let done_at = |at_s: f64| {
        let after = moments.partition_point(|moment| moment.at_s <= at_s);
        match (after.checked_sub(1).map(|i| moments[i]), moments.get(after)) {
            (Some(before), Some(next)) if next.at_s > before.at_s => {
                let share = (at_s - before.at_s) / (next.at_s - before.at_s);
                let gained = next.n_done.saturating_sub(before.n_done) as f64;
                before.n_done as f64 + share * gained
            }
            (Some(before), _) => before.n_done as f64,
            (None, _) => 0.0,
        }
    };
    let span_s = end_s / SPANS as f64;
    let edge = |span: usize| done_at(span as f64 * span_s);
    (0..SPANS)
        .map(|span| (edge(span + 1) - edge(span)) / span_s)
        .collect()
}

impl Panel {
    fn place(&self, at_s: f64, value: f64) -> Point {
        at(
            LEFT + WIDTH * self.x.share(at_s),
            self.top + self.height * (1.0 - self.y.share(value)),
        )
    }

    fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// The tails: all tasks of a wave are out, and some slots have none.
    fn ground(&self, figure: &mut Figure, moments: &[Moment]) {
        for (from, to) in moments.iter().zip(moments.iter().skip(1)) {
            if from.n_waiting == 0 && from.n_out < from.n_slots {
                let (left, right) = (self.place(from.at_s, 0.0).x, self.place(to.at_s, 0.0).x);
                let tail = Outline::rectangle(left, self.top, right - left, self.height);
                figure.fill(tail, TAIL);
            }
        }
        for tick in self.y.ticks() {
            let y = self.place(0.0, tick).y;
            let line = Outline::lines([at(LEFT, y), at(LEFT + WIDTH, y)]);
            figure.stroke(line, pen(GRID, 1.5));
        }
    }

    fn draw_slots(&self, figure: &mut Figure, moments: &[Moment]) {
        let with_task = |moment: &Moment| moment.n_out.min(moment.n_slots) as f64;
        let there = |moment: &Moment| moment.n_slots as f64;
        let mut area = self.steps(moments, with_task);
        if let (Some(first), Some(last)) = (area.first().copied(), area.last().copied()) {
            area.push(at(last.x, self.bottom()));
            area.push(at(first.x, self.bottom()));
        }
        let Colour([r, g, b, _]) = BUSY;
        let pale = Colour([r, g, b, 150]);
        let frame = Outline::rectangle(LEFT, self.top, WIDTH, self.height);
        let inside = vec![
            filled(Outline::polygon(area), pale),
            stroked(Outline::lines(self.steps(moments, there)), pen(INK, 3.0)),
        ];
        figure.shapes.push(Shape::Within(frame, inside));
    }

    /// A line that keeps a value until the next moment.
    fn steps(&self, moments: &[Moment], value: impl Fn(&Moment) -> f64) -> Vec<Point> {
        let mut line: Vec<Point> = Vec::with_capacity(2 * moments.len());
        for moment in moments {
            let place = self.place(moment.at_s, value(moment));
            if let Some(before) = line.last().copied() {
                line.push(at(place.x, before.y));
            }
            line.push(place);
        }
        line
    }

    fn draw_rates(&self, figure: &mut Figure, rates: &[f64]) {
        let width = WIDTH / rates.len() as f64;
        for (number, rate) in rates.iter().enumerate() {
            let top = self.place(0.0, *rate).y;
            let left = LEFT + number as f64 * width;
            let bar = Outline::rectangle(left, top, width - 1.0, self.bottom() - top);
            figure.fill(bar, RATE);
        }
    }

    fn axes(&self, figure: &mut Figure, with_time: bool) {
        let bottom = self.bottom();
        let corner = [
            at(LEFT, self.top),
            at(LEFT, bottom),
            at(LEFT + WIDTH, bottom),
        ];
        figure.stroke(Outline::lines(corner), pen(INK, 2.5));
        for tick in self.y.ticks() {
            let words = self.y.label(tick);
            let place = at(LEFT - 16.0, self.place(0.0, tick).y + 8.0);
            figure.write(text(&words, 24.0, place).anchor(Anchor::End));
        }
        let beside = at(62.0, self.top + self.height / 2.0);
        let name = text(&self.y.title, 26.0, beside);
        figure.write(name.anchor(Anchor::Middle).upwards());
        for tick in self.x.ticks() {
            let x = self.place(tick, 0.0).x;
            figure.stroke(
                Outline::lines([at(x, bottom), at(x, bottom + 9.0)]),
                pen(INK, 2.0),
            );
            if with_time {
                let words = self.x.label(tick);
                let place = at(x, bottom + 40.0);
                figure.write(text(&words, 24.0, place).anchor(Anchor::Middle));
            }
        }
        if with_time {
            let below = at(LEFT + WIDTH / 2.0, bottom + 86.0);
            figure.write(text(&self.x.title, 26.0, below).anchor(Anchor::Middle));
        }
    }
}

/// Lines where rounds begin, with their resolutions above.
fn rounds(figure: &mut Figure, upper: &Panel, lower: &Panel, moments: &[Moment]) {
    let mut running = None;
    let mut free_from = f64::NEG_INFINITY;
    for moment in moments {
        if running == Some(moment.nside) {
            continue;
        }
        let x = upper.place(moment.at_s, 0.0).x;
        if running.is_some() {
            let line = Outline::lines([at(x, upper.top - 12.0), at(x, lower.bottom())]);
            figure.stroke(line, pen(MUTED, 2.0));
        }
        running = Some(moment.nside);
        let words = format!("nside {}", moment.nside);
        let label = text(&words, SMALL, at(x + 6.0, upper.top - 16.0));
        if x >= free_from {
            free_from = x + figure.width_of(&label) + 20.0;
            figure.write(label);
        }
    }
}

fn key(figure: &mut Figure, timeline: &Timeline, last: &Moment) {
    let y = 164.0;
    let swatches = [
        (BUSY, "slots with a task"),
        (INK, "slots that are there"),
        (RATE, "pixels per second"),
        (TAIL, "tail: no work left for some slots"),
    ];
    let mut x = LEFT;
    for (colour, words) in swatches {
        let height = if colour == INK { 3.0 } else { 18.0 };
        let top = y - 8.0 - height / 2.0;
        figure.fill(Outline::rectangle(x, top, 34.0, height), colour);
        x += 46.0 + figure.write(text(words, SMALL, at(x + 44.0, y))) + 40.0;
    }
    let mut note = format!("{} pixels in {:.1} s", last.n_done, last.at_s);
    if let Some(idle) = timeline.idle_share() {
        note += &format!(
            "; slots had nothing to do for {:.1} % of their time",
            100.0 * idle
        );
    }
    figure.write(text(&note, SMALL, at(LEFT, PAGE_HEIGHT - 24.0)).colour(MUTED));
}
