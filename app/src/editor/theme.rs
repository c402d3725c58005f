//! Design tokens: every colour, distance and text size of the window. Widgets take them from here, never literal values.

use std::sync::Arc;

use egui::{
    Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Shadow, Stroke, Style, TextStyle,
    Visuals, vec2,
};

use crate::settings::Theme;

/// The colours of one theme.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// Behind the picture. Neutral, so that it does not tint what the eye sees.
    pub canvas: Color32,
    /// Bars and side panels.
    pub panel: Color32,
    /// Menus and dialogs.
    pub floating: Color32,
    /// Fields that take a value.
    pub field: Color32,
    /// Buttons, and what the pointer is over.
    pub raised: Color32,
    /// Buttons under the pointer.
    pub raised_hover: Color32,
    /// The rail of a slider, and its handle.
    pub rail: Color32,
    /// Lines between parts.
    pub line: Color32,
    /// Outlines of fields and floating parts.
    pub outline: Color32,
    /// Text that is read.
    pub text: Color32,
    /// Captions and hints.
    pub text_weak: Color32,
    /// Text on `accent`.
    pub text_on_accent: Color32,
    /// What is chosen, and the one main action.
    pub accent: Color32,
    /// The main action under the pointer.
    pub accent_hover: Color32,
    /// The background of what is chosen.
    pub selection: Color32,
    /// What failed, or cannot be taken back.
    pub danger: Color32,
    /// What was done as asked.
    pub success: Color32,
}

/// The dark theme.
pub const DARK: Palette = Palette {
    canvas: Color32::from_rgb(0x16, 0x16, 0x17),
    panel: Color32::from_rgb(0x21, 0x21, 0x23),
    floating: Color32::from_rgb(0x2a, 0x2a, 0x2d),
    field: Color32::from_rgb(0x18, 0x18, 0x1a),
    raised: Color32::from_rgb(0x33, 0x33, 0x37),
    raised_hover: Color32::from_rgb(0x40, 0x40, 0x45),
    rail: Color32::from_rgb(0x5a, 0x5a, 0x60),
    line: Color32::from_rgb(0x15, 0x15, 0x16),
    outline: Color32::from_rgb(0x3c, 0x3c, 0x41),
    text: Color32::from_rgb(0xe8, 0xe8, 0xea),
    text_weak: Color32::from_rgb(0xa3, 0xa3, 0xab),
    text_on_accent: Color32::from_rgb(0xff, 0xff, 0xff),
    accent: Color32::from_rgb(0x3b, 0x7d, 0xf0),
    accent_hover: Color32::from_rgb(0x54, 0x91, 0xfa),
    selection: Color32::from_rgb(0x2b, 0x3f, 0x63),
    danger: Color32::from_rgb(0xf0, 0x6a, 0x60),
    success: Color32::from_rgb(0x58, 0xc0, 0x86),
};

/// The light theme.
pub const LIGHT: Palette = Palette {
    canvas: Color32::from_rgb(0xc9, 0xc9, 0xcb),
    panel: Color32::from_rgb(0xf1, 0xf1, 0xf3),
    floating: Color32::from_rgb(0xfb, 0xfb, 0xfc),
    field: Color32::from_rgb(0xff, 0xff, 0xff),
    raised: Color32::from_rgb(0xdf, 0xdf, 0xe3),
    raised_hover: Color32::from_rgb(0xd2, 0xd2, 0xd7),
    rail: Color32::from_rgb(0xb4, 0xb4, 0xba),
    line: Color32::from_rgb(0xd8, 0xd8, 0xdc),
    outline: Color32::from_rgb(0xc4, 0xc4, 0xca),
    text: Color32::from_rgb(0x1d, 0x1d, 0x20),
    text_weak: Color32::from_rgb(0x5c, 0x5c, 0x64),
    text_on_accent: Color32::from_rgb(0xff, 0xff, 0xff),
    accent: Color32::from_rgb(0x2a, 0x68, 0xd8),
    accent_hover: Color32::from_rgb(0x1f, 0x57, 0xc0),
    selection: Color32::from_rgb(0xc9, 0xdb, 0xf8),
    danger: Color32::from_rgb(0xc2, 0x35, 0x2b),
    success: Color32::from_rgb(0x1f, 0x8a, 0x50),
};

/// Words over pictures lie on this in both themes: a picture is no panel.
pub const SHADE: Color32 = Color32::from_black_alpha(190);
/// The colour of such words.
pub const ON_SHADE: Color32 = Color32::from_rgb(0xf2, 0xf2, 0xf4);

/// Distances, in points.
pub mod space {
    /// Between an icon and its word.
    pub const TIGHT: f32 = 4.0;
    /// Between related things.
    pub const NORMAL: f32 = 8.0;
    /// Around panels and between groups.
    pub const WIDE: f32 = 12.0;
    /// Between sections.
    pub const SECTION: f32 = 20.0;
    /// The height of buttons and fields.
    pub const ROW: f32 = 26.0;
    /// The width of the side panel.
    pub const SIDE_PANEL: f32 = 296.0;
    /// The width of the tool strip.
    pub const TOOL_STRIP: f32 = 48.0;
}

/// The rounding of buttons, fields and thumbnails.
pub const CORNER: CornerRadius = CornerRadius::same(5);

/// The text size of everything.
const BODY: f32 = 13.0;
/// The text size of captions.
const SMALL: f32 = 11.5;

/// The family of the semibold face.
pub fn semibold() -> FontFamily {
    FontFamily::Name("semibold".into())
}

/// The family of the icons.
pub fn icon_family() -> FontFamily {
    FontFamily::Name("icons".into())
}

/// An icon's font.
pub fn icon_font(size: f32) -> FontId {
    FontId::new(size, icon_family())
}

/// The font of section titles.
pub fn title_font() -> FontId {
    FontId::new(BODY, semibold())
}

/// The palette in use.
pub fn palette(ctx: &egui::Context) -> Palette {
    of_theme(ctx.theme())
}

/// The palette of a theme.
pub fn of_theme(theme: egui::Theme) -> Palette {
    match theme {
        egui::Theme::Dark => DARK,
        egui::Theme::Light => LIGHT,
    }
}

/// What the settings say, for egui.
pub fn preference(theme: Theme) -> egui::ThemePreference {
    match theme {
        Theme::System => egui::ThemePreference::System,
        Theme::Dark => egui::ThemePreference::Dark,
        Theme::Light => egui::ThemePreference::Light,
    }
}

/// Installs fonts and style.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    for theme in [egui::Theme::Dark, egui::Theme::Light] {
        ctx.set_style_of(theme, style(theme));
    }
    ctx.options_mut(|options| {
        // Ctrl+plus and Ctrl+minus zoom the picture, not the window.
        options.zoom_with_keyboard = false;
    });
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let faces: [(&str, &'static [u8]); 4] = [
        ("Inter", include_bytes!("../../../assets/fonts/Inter-Regular.otf")),
        ("Inter SemiBold", include_bytes!("../../../assets/fonts/Inter-SemiBold.otf")),
        ("Phosphor", include_bytes!("../../../assets/fonts/Phosphor.ttf")),
        // For names of files: the one that comes with the toolkit ends with the emoji of 2014.
        ("Noto Emoji", include_bytes!("../../../assets/fonts/NotoEmoji.ttf")),
    ];
    for (name, bytes) in faces {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let fallbacks = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let with_fallbacks =
        |first: &[&str]| first.iter().map(|name| (*name).to_owned()).chain(fallbacks.iter().cloned()).collect();
    fonts.families.insert(FontFamily::Proportional, with_fallbacks(&["Inter", "Phosphor", "Noto Emoji"]));
    fonts.families.insert(semibold(), with_fallbacks(&["Inter SemiBold", "Phosphor", "Noto Emoji"]));
    fonts.families.insert(icon_family(), vec!["Phosphor".to_owned()]);
    fonts
}

fn style(theme: egui::Theme) -> Style {
    let mut style = Style {
        text_styles: [
            (TextStyle::Heading, FontId::new(16.0, semibold())),
            (TextStyle::Body, FontId::proportional(BODY)),
            (TextStyle::Button, FontId::proportional(BODY)),
            (TextStyle::Small, FontId::proportional(SMALL)),
            (TextStyle::Monospace, FontId::monospace(12.0)),
        ]
        .into(),
        drag_value_text_style: TextStyle::Body,
        animation_time: 0.1,
        visuals: visuals(theme),
        ..Style::default()
    };
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(space::NORMAL, 6.0);
    spacing.button_padding = vec2(8.0, 3.0);
    spacing.interact_size = vec2(32.0, space::ROW);
    spacing.slider_rail_height = 4.0;
    spacing.icon_width = 16.0;
    spacing.icon_spacing = 6.0;
    spacing.menu_margin = Margin::same(6);
    spacing.menu_width = 260.0;
    spacing.window_margin = Margin::same(16);
    spacing.tooltip_width = 280.0;
    spacing.scroll.floating_width = 6.0;
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.4;
    style
}

fn visuals(theme: egui::Theme) -> Visuals {
    let palette = of_theme(theme);
    let mut visuals = theme.default_visuals();
    visuals.panel_fill = palette.panel;
    visuals.window_fill = palette.floating;
    visuals.window_stroke = Stroke::new(1.0, palette.outline);
    visuals.window_corner_radius = CornerRadius::same(8);
    visuals.menu_corner_radius = CornerRadius::same(7);
    let shadow = Color32::from_black_alpha(if theme == egui::Theme::Dark { 110 } else { 50 });
    let shadow = Shadow { offset: [0, 8], blur: 24, spread: 0, color: shadow };
    visuals.window_shadow = shadow;
    visuals.popup_shadow = shadow;
    visuals.extreme_bg_color = palette.field;
    visuals.faint_bg_color = palette.raised;
    visuals.weak_text_color = Some(palette.text_weak);
    visuals.hyperlink_color = palette.accent_hover;
    visuals.error_fg_color = palette.danger;
    visuals.selection.bg_fill = palette.selection;
    visuals.selection.stroke = Stroke::new(1.0, palette.text);
    visuals.slider_trailing_fill = true;
    visuals.handle_shape = egui::style::HandleShape::Circle;
    visuals.striped = false;
    visuals.disabled_alpha = 0.4;

    let widgets = &mut visuals.widgets;
    let states = [
        (&mut widgets.noninteractive, palette.panel, palette.panel, palette.line, palette.text),
        (&mut widgets.inactive, palette.raised, palette.raised, Color32::TRANSPARENT, palette.text),
        (&mut widgets.hovered, palette.raised_hover, palette.raised_hover, Color32::TRANSPARENT, palette.text),
        (&mut widgets.active, palette.raised, palette.raised_hover, palette.accent, palette.text),
        (&mut widgets.open, palette.raised_hover, palette.raised, Color32::TRANSPARENT, palette.text),
    ];
    for (visuals, weak_bg_fill, bg_fill, outline, text) in states {
        visuals.weak_bg_fill = weak_bg_fill;
        visuals.bg_fill = bg_fill;
        visuals.bg_stroke = if outline == Color32::TRANSPARENT { Stroke::NONE } else { Stroke::new(1.0, outline) };
        visuals.fg_stroke = Stroke::new(1.0, text);
        visuals.corner_radius = CORNER;
        visuals.expansion = 0.0;
    }
    visuals
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2, relative luminance and contrast.
    fn contrast(a: Color32, b: Color32) -> f32 {
        let luminance = |color: Color32| {
            let linear = |value: u8| {
                let value = f32::from(value) / 255.0;
                if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn emoji_in_names_are_drawn() {
        let ctx = egui::Context::default();
        ctx.set_fonts(fonts());
        let _ = ctx.run_ui(egui::RawInput::default(), |ui| {
            for family in [FontFamily::Proportional, semibold()] {
                let font = FontId::new(BODY, family);
                for name in ["Anna \u{1f600}", "\u{1f970}\u{1f9d1}\u{1fae0}", "\u{1f469}\u{1f3fd}\u{200d}\u{1f9b0} ❤"]
                {
                    assert!(ui.ctx().fonts_mut(|fonts| fonts.has_glyphs(&font, name)), "{name} in {font:?}");
                }
            }
        });
    }

    #[test]
    fn text_can_be_read_in_both_themes() {
        for theme in [egui::Theme::Dark, egui::Theme::Light] {
            let palette = of_theme(theme);
            for (name, text, ground) in [
                ("text on panels", palette.text, palette.panel),
                ("text in menus", palette.text, palette.floating),
                ("text in fields", palette.text, palette.field),
                ("text on buttons", palette.text, palette.raised_hover),
                ("text on the selection", palette.text, palette.selection),
                ("captions on panels", palette.text_weak, palette.panel),
                ("captions in menus", palette.text_weak, palette.floating),
                ("failures", palette.danger, palette.floating),
            ] {
                let contrast = contrast(text, ground);
                assert!(contrast >= 4.5, "{theme:?}: {name} has a contrast of {contrast}");
            }
            // The main action is large and bold enough for three.
            assert!(contrast(palette.text_on_accent, palette.accent) >= 3.0);
        }
    }
}
