//! The card of the model, as it is written beside its weights: what it was trained on, how well it does, and for whom.

use egui::{Grid, RichText, ScrollArea, Ui};

use super::super::{Context, theme};
use super::{Outcome, close_row_ui, scroll_area};
use crate::language::tr;

/// A part of a Markdown text, as far as cards use them.
#[derive(Debug, PartialEq, Eq)]
enum Block {
    Heading(String),
    Paragraph(String),
    Item(String),
    /// Rows of cells, the first one the heads.
    Table(Vec<Vec<String>>),
}

/// The text in blocks. Marks of emphasis, code and links go, pictures go whole.
fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut goes_on = false;
    for line in markdown.lines() {
        let text = line.trim();
        let went_on = std::mem::replace(&mut goes_on, !text.is_empty());
        if text.is_empty() || text.starts_with("![") {
            goes_on = false;
        } else if text.starts_with('#') {
            blocks.push(Block::Heading(plain(text.trim_start_matches('#'))));
            goes_on = false;
        } else if let Some(row) = text.strip_prefix('|') {
            let cells: Vec<String> = row.trim_end_matches('|').split('|').map(plain).collect();
            // The line below the heads says how columns are aligned.
            let is_rule = cells.iter().all(|cell| cell.chars().all(|letter| matches!(letter, '-' | ':' | ' ')));
            match blocks.last_mut() {
                _ if is_rule => {}
                Some(Block::Table(rows)) if went_on => rows.push(cells),
                _ => blocks.push(Block::Table(vec![cells])),
            }
        } else if let Some(item) = text.strip_prefix("- ") {
            blocks.push(Block::Item(plain(item)));
        } else {
            match blocks.last_mut() {
                Some(Block::Paragraph(before) | Block::Item(before)) if went_on => {
                    before.push(' ');
                    before.push_str(&plain(text));
                }
                _ => blocks.push(Block::Paragraph(plain(text))),
            }
        }
    }
    blocks
}

/// Without `**`, `` ` `` and the addresses of links.
fn plain(text: &str) -> String {
    let mut rest = text.trim();
    let mut out = String::new();
    while let Some((before, link)) = rest.split_once('[') {
        let Some((words, after)) = link.split_once("](") else { break };
        let Some((_, after)) = after.split_once(')') else { break };
        out.push_str(before);
        out.push_str(words);
        rest = after;
    }
    out.push_str(rest);
    out.replace("**", "").replace('`', "")
}

impl Context<'_> {
    /// The box with the card; without one it says so.
    pub(super) fn model_card_ui(&self, ui: &mut Ui) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(640.0);
        ui.heading(tr("Model card"));
        ui.add_space(theme::space::NORMAL);
        let height = (ui.ctx().content_rect().height() - 220.0).max(160.0);
        scroll_area(height).auto_shrink([false, true]).show(ui, |ui| {
            let Some(card) = self.model.card else {
                ui.label(tr("This model came without a card."));
                return;
            };
            for (index, block) in blocks(card).iter().enumerate() {
                match block {
                    Block::Heading(text) => {
                        ui.add_space(theme::space::NORMAL);
                        ui.label(RichText::new(text).font(theme::title_font()));
                    }
                    Block::Paragraph(text) => {
                        ui.label(RichText::new(text).color(palette.text_weak));
                    }
                    Block::Item(text) => {
                        ui.horizontal_top(|ui| {
                            ui.label(RichText::new("•").color(palette.text_weak));
                            ui.add(egui::Label::new(RichText::new(text).color(palette.text_weak)).wrap());
                        });
                    }
                    Block::Table(rows) => {
                        ScrollArea::horizontal().id_salt(index).show(ui, |ui| {
                            Grid::new(("table", index)).striped(true).spacing([16.0, 4.0]).show(ui, |ui| {
                                for (row, cells) in rows.iter().enumerate() {
                                    for cell in cells {
                                        let text = RichText::new(cell).small();
                                        ui.label(if row == 0 { text.strong() } else { text.color(palette.text_weak) });
                                    }
                                    ui.end_row();
                                }
                            });
                        });
                    }
                }
                ui.add_space(theme::space::TIGHT);
            }
        });
        close_row_ui(ui)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_read_in_blocks() {
        let card = "# Card\n\n**Trained** on `faces`,\nsee [the data](x/y.md).\n\n- one\n  more\n- two\n\n\
                    | a | b |\n|---|--:|\n| 1 | 2 |\n\n![sheet](sheet.png)\nEnd [open";
        let cells = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        assert_eq!(
            blocks(card),
            [
                Block::Heading("Card".to_owned()),
                Block::Paragraph("Trained on faces, see the data.".to_owned()),
                Block::Item("one more".to_owned()),
                Block::Item("two".to_owned()),
                Block::Table(vec![cells(["a", "b"]), cells(["1", "2"])]),
                Block::Paragraph("End [open".to_owned()),
            ]
        );
    }
}
