//! Messages over the canvas: every error and every notable event, one plain sentence each.

use std::time::{Duration, Instant};

use egui::{Align2, RichText, Role, Stroke, WidgetInfo};

use super::{icons, theme, widgets};
use crate::language::tr;
use crate::sentence;
use crate::workbench::Notice;
pub use crate::workbench::NoticeKind as Kind;

/// How long a message stays.
fn shown_for(kind: Kind) -> Duration {
    match kind {
        Kind::Success | Kind::Info => Duration::from_secs(4),
        Kind::Error => Duration::from_secs(8),
    }
}

/// A message on screen.
#[derive(Clone, Debug)]
pub struct Notification {
    id: u64,
    /// What it is about.
    pub kind: Kind,
    /// One sentence.
    pub text: String,
    goes_at: Instant,
}

/// The messages on screen, the newest last.
#[derive(Default)]
pub struct Notifications {
    shown: Vec<Notification>,
    next_id: u64,
}

/// More would cover the canvas; the oldest give way.
const MAX_SHOWN: usize = 4;

impl Notifications {
    /// Shows a message. The same message again only stays longer.
    pub fn push(&mut self, kind: Kind, text: impl Into<String>) {
        let text = sentence::on_screen(tr(&text.into()));
        if kind == Kind::Error {
            log::error!("{text}");
        }
        self.shown.retain(|shown| shown.text != text);
        self.next_id += 1;
        self.shown.push(Notification { id: self.next_id, kind, text, goes_at: Instant::now() + shown_for(kind) });
        let excess = self.shown.len().saturating_sub(MAX_SHOWN);
        self.shown.drain(..excess);
    }

    /// Shows what the workbench says.
    pub fn tell(&mut self, Notice { kind, text }: Notice) {
        self.push(kind, text);
    }

    /// An error with its causes, as one sentence.
    pub fn error(&mut self, err: &anyhow::Error) {
        self.tell(Notice::of_error(err));
    }

    /// The messages on screen.
    pub fn shown(&self) -> &[Notification] {
        &self.shown
    }

    /// Draws the messages at the lower edge of `area`.
    pub(super) fn ui(&mut self, ctx: &egui::Context, area: egui::Rect) {
        let now = Instant::now();
        let palette = theme::palette(ctx);
        let mut dismissed = None;
        let mut held = None;
        let mut bottom = area.bottom() - theme::space::WIDE;
        for notification in self.shown.iter().rev() {
            let Notification { id, kind, text, .. } = notification;
            let (icon, color) = match kind {
                Kind::Success => (icons::CHECK_CIRCLE, palette.success),
                Kind::Info => (icons::INFO, palette.accent_hover),
                Kind::Error => (icons::WARNING, palette.danger),
            };
            let shown = egui::Area::new(egui::Id::unique(("notification", id)))
                .order(egui::Order::Foreground)
                .pivot(Align2::CENTER_BOTTOM)
                .fixed_pos(egui::pos2(area.center().x, bottom))
                .show(ctx, |ui| {
                    let frame = egui::Frame::popup(ui.style())
                        .inner_margin(egui::Margin::symmetric(12, 8))
                        .stroke(Stroke::new(1.0, color.gamma_multiply(0.55)));
                    frame.show(ui, |ui| {
                        ui.horizontal(|ui| {
                            ui.label(RichText::new(icon).font(theme::icon_font(17.0)).color(color));
                            let width = (area.width() - 140.0).clamp(120.0, 520.0);
                            let label = ui.scope(|ui| {
                                ui.set_max_width(width);
                                ui.label(text.as_str())
                            });
                            label.inner.widget_info(|| WidgetInfo::labeled(Role::Alert, true, text));
                            if widgets::icon_button(ui, icons::X, "Dismiss", 13.0).clicked() {
                                dismissed = Some(*id);
                            }
                        });
                    });
                });
            if shown.response.contains_pointer() {
                held = Some(*id);
            }
            bottom = shown.response.rect.top() - theme::space::NORMAL;
        }
        for notification in &mut self.shown {
            if held == Some(notification.id) {
                // Whoever points at a message is reading it.
                notification.goes_at = notification.goes_at.max(now + Duration::from_secs(2));
            }
        }
        self.shown.retain(|shown| dismissed != Some(shown.id) && shown.goes_at > now);
        if let Some(next) = self.shown.iter().map(|shown| shown.goes_at).min() {
            ctx.request_repaint_after(next.saturating_duration_since(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_message_is_shown_once_and_the_oldest_give_way() {
        let mut notifications = Notifications::default();
        for i in 0..20 {
            notifications.push(Kind::Info, format!("message {}", i % 8));
            notifications.push(Kind::Info, format!("message {}", i % 8));
        }
        assert_eq!(notifications.shown().len(), MAX_SHOWN);
        assert_eq!(notifications.shown().last().map(|shown| shown.text.as_str()), Some("Message 3."));
    }
}
