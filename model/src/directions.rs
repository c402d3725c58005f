//! Named directions in the space of stylemaps: "Smile", "Age", "Light"… (paper, semantic manipulation; network.md).
//!
//! They lie in a safetensors file beside the model's: one tensor (style_dim, base, base) for each, under its name, and the
//! metadata key `directions` with a JSON list of `{"name": …, "source": …, "range": [low, high]}`, and where it is known `"group"` and
//! `"shows"`, in the order in which they are shown. An amount of 1 is one standard deviation of the training faces.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::write_whole;

/// The metadata key of the list.
pub const LIST_KEY: &str = "directions";
/// More than a window can show.
const MAX_DIRECTIONS: usize = 256;
/// No step goes further, in standard deviations: long before, nothing is a face.
pub const MAX_AMOUNT: f32 = 100.0;
/// How many principal components stand in for directions where a model has no file of them: what comes after moves little.
const MAX_COMPONENTS: usize = 12;
const COMPONENT_RANGE: [f32; 2] = [-3.0, 3.0];

/// What is said of a direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectionInfo {
    /// What it is called, in English.
    pub name: String,
    /// Where it came from: a principal component, or the labels of which faces.
    #[serde(default)]
    pub source: String,
    /// How far a slider goes, in standard deviations.
    pub range: [f32; 2],
    /// What it belongs to, in English: an expression, the pose, the shape, the person, the light. Empty where nothing is said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// What is seen from the low end of the range to the high one, in English. Empty where nothing is said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub shows: String,
}

/// A named direction and the step along it.
#[derive(Clone, Debug)]
pub struct Direction {
    /// What is said of it.
    pub info: DirectionInfo,
    /// One standard deviation: (1, style_dim, base, base), f32 on the CPU.
    pub step: Tensor,
}

/// The directions of a model, in order.
#[derive(Clone, Debug, Default)]
pub struct Directions(Vec<Direction>);

impl Directions {
    /// Where the directions of a model's file lie: `a.directions.safetensors` beside `a.safetensors`.
    pub fn path_beside(model: &Path) -> PathBuf {
        model.with_extension("directions.safetensors")
    }

    /// Reads a file of directions for a model of these widths.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Directions`] when it is not such a file, is damaged, or is for another model.
    pub fn load(path: &Path, config: &Config) -> Result<Self> {
        let bytes =
            std::fs::read(path).map_err(|source| Error::Io { action: "cannot read", path: path.to_owned(), source })?;
        Self::read(&bytes, config).map_err(|reason| Error::Directions { path: path.to_owned(), reason })
    }

    /// Reads directions from memory, as [`Self::load`] does from a file; `label` stands for the path in errors.
    ///
    /// # Errors
    /// [`Error::Directions`].
    pub fn from_bytes(bytes: &[u8], label: &str, config: &Config) -> Result<Self> {
        Self::read(bytes, config).map_err(|reason| Error::Directions { path: label.into(), reason })
    }

    fn read(bytes: &[u8], config: &Config) -> std::result::Result<Self, String> {
        let (_, header) =
            SafeTensors::read_metadata(bytes).map_err(|err| format!("it is not a safetensors file ({err})"))?;
        let list = header.metadata().as_ref().and_then(|metadata| metadata.get(LIST_KEY));
        let list = list.ok_or_else(|| format!("its metadata has no `{LIST_KEY}`"))?;
        let infos: Vec<DirectionInfo> =
            serde_json::from_str(list).map_err(|err| format!("its list of directions cannot be read ({err})"))?;
        if infos.len() > MAX_DIRECTIONS {
            return Err(format!("it has {} directions, and at most {MAX_DIRECTIONS} are read", infos.len()));
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(|err| format!("it is damaged ({err})"))?;
        let shape = [config.style_dim, config.base, config.base];
        let mut names = BTreeSet::new();
        let mut directions = Vec::with_capacity(infos.len());
        for info in infos {
            let name = &info.name;
            let [low, high] = info.range;
            if name.trim().is_empty() || !names.insert(name.clone()) {
                return Err(format!("it has two directions called `{name}`, or one without a name"));
            }
            if !(low < high && low.abs() <= MAX_AMOUNT && high.abs() <= MAX_AMOUNT) {
                return Err(format!("`{name}` goes from {low} to {high}, which is not a range"));
            }
            let view = tensors.tensor(name).map_err(|_| format!("it lists `{name}` and has no such tensor"))?;
            if view.shape() != shape {
                return Err(format!(
                    "`{name}` is {}, and this model's stylemaps are {}: it belongs to another model",
                    by(view.shape()),
                    by(&shape)
                ));
            }
            let step = candle_core::safetensors::Load::load(&view, &Device::Cpu)
                .and_then(|step| step.to_dtype(DType::F32)?.unsqueeze(0))
                .map_err(|err| format!("`{name}` cannot be read ({err})"))?;
            let values = step.flatten_all().and_then(|step| step.to_vec1::<f32>()).map_err(|err| err.to_string())?;
            if values.iter().any(|value| !value.is_finite()) {
                return Err(format!("`{name}` holds values that are not finite numbers"));
            }
            directions.push(Direction { info, step });
        }
        match tensors.names().into_iter().find(|name| !names.contains(*name)) {
            Some(name) => Err(format!("its tensor `{name}` is not in its list of directions")),
            None => Ok(Self(directions)),
        }
    }

    /// The first principal components in place of named directions. `components`: (K, style_dim, base, base); `deviations`: K.
    pub(crate) fn from_components(components: &Tensor, deviations: &[f32]) -> candle_core::Result<Self> {
        let component = |(index, deviation): (usize, &f32)| {
            let info = DirectionInfo {
                name: format!("Component {}", index + 1),
                source: "principal component of the training faces".to_owned(),
                range: COMPONENT_RANGE,
                group: String::new(),
                shows: "several things at once; try both ways".to_owned(),
            };
            Ok(Direction { info, step: (components.narrow(0, index, 1)? * f64::from(*deviation))? })
        };
        deviations.iter().enumerate().take(MAX_COMPONENTS).map(component).collect::<candle_core::Result<_>>().map(Self)
    }

    /// These directions and then those of others, but for the others of a name that is here already.
    #[must_use]
    pub fn joined(&self, others: &Self) -> Self {
        let is_new = |other: &&Direction| self.0.iter().all(|known| known.info.name != other.info.name);
        Self(self.0.iter().chain(others.0.iter().filter(is_new)).take(MAX_DIRECTIONS).cloned().collect())
    }

    /// These directions with one more, in the place of one of the same name where there is one.
    #[must_use]
    pub fn with(&self, direction: Direction) -> Self {
        let mut directions = self.0.clone();
        match directions.iter_mut().find(|known| known.info.name == direction.info.name) {
            Some(known) => *known = direction,
            None => directions.push(direction),
        }
        Self(directions)
    }

    /// These directions without the one at a place.
    #[must_use]
    pub fn without(&self, index: usize) -> Self {
        let others = self.0.iter().enumerate().filter(|(place, _)| *place != index);
        Self(others.map(|(_, direction)| direction.clone()).collect())
    }

    /// Writes them whole or not at all, as [`Self::load`] reads them.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let infos: Vec<&DirectionInfo> = self.0.iter().map(|direction| &direction.info).collect();
        let list = serde_json::to_string(&infos).map_err(|err| Error::Internal(err.to_string()))?;
        let steps = self.0.iter().map(|direction| Ok((&direction.info.name, direction.step.squeeze(0)?.contiguous()?)));
        let steps = steps.collect::<candle_core::Result<Vec<_>>>()?;
        let metadata =
            HashMap::from([(LIST_KEY.to_owned(), list), ("format".to_owned(), "stylemap directions".to_owned())]);
        let bytes = safetensors::serialize(steps, Some(metadata)).map_err(|err| Error::Internal(err.to_string()))?;
        write_whole(path, &bytes)
    }

    /// A direction by its place.
    pub fn get(&self, index: usize) -> Option<&Direction> {
        self.0.get(index)
    }

    /// All directions in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Direction> {
        self.0.iter()
    }
}

/// The place of a direction by its name, in whatever case that is written.
///
/// # Errors
/// [`Error::Argument`] with the names that there are.
pub fn index_of(directions: &[DirectionInfo], name: &str) -> Result<usize> {
    let exact = directions.iter().position(|direction| direction.name == name);
    let lower = name.to_lowercase();
    exact.or_else(|| directions.iter().position(|direction| direction.name.to_lowercase() == lower)).ok_or_else(|| {
        let names: Vec<_> = directions.iter().map(|direction| direction.name.as_str()).collect();
        Error::argument(match names.as_slice() {
            [] => format!("this model has no direction `{name}`, as it has none at all"),
            names => format!("this model has no direction `{name}`; it has {}", names.join(", ")),
        })
    })
}

fn by(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn config() -> Config {
        Config { style_dim: 2, base: 4, ..Config::published(64, 1, true) }
    }

    fn file(list: &str, tensors: &[(&str, &[usize], f32)]) -> Vec<u8> {
        let tensors: BTreeMap<_, _> = tensors
            .iter()
            .map(|(name, shape, value)| {
                let tensor = Tensor::full(*value, *shape, &Device::Cpu).unwrap();
                ((*name).to_owned(), tensor)
            })
            .collect();
        safetensors::serialize(&tensors, Some(HashMap::from([(LIST_KEY.to_owned(), list.to_owned())]))).unwrap()
    }

    const SMILE: &str = r#"{"name": "Smile", "source": "labels", "range": [-2, 3.5]}"#;
    const LIGHT: &str = r#"{"name": "Light", "range": [-1, 1]}"#;

    #[test]
    fn directions_come_in_the_order_of_the_list() {
        let bytes = file(&format!("[{SMILE}, {LIGHT}]"), &[("Light", &[2, 4, 4], 2.0), ("Smile", &[2, 4, 4], 1.0)]);
        let directions = Directions::from_bytes(&bytes, "directions", &config()).unwrap();
        let infos: Vec<_> = directions.iter().map(|direction| direction.info.clone()).collect();
        let smile = DirectionInfo {
            name: "Smile".to_owned(),
            source: "labels".to_owned(),
            range: [-2.0, 3.5],
            group: String::new(),
            shows: String::new(),
        };
        assert_eq!(infos[0], smile);
        assert_eq!((infos[1].name.as_str(), infos[1].source.as_str()), ("Light", ""));
        let step = &directions.get(1).unwrap().step;
        assert_eq!(step.dims(), [1, 2, 4, 4]);
        assert_eq!(step.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [2.0; 32]);
        assert_eq!((index_of(&infos, "Light").unwrap(), index_of(&infos, "smile").unwrap()), (1, 0));
        let err = index_of(&infos, "Hat").unwrap_err().to_string();
        assert_eq!(err, "this model has no direction `Hat`; it has Smile, Light");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_a_sentence() {
        let smile: (&str, &[usize], f32) = ("Smile", &[2, 4, 4], 1.0);
        let cases = [
            (b"no such thing".to_vec(), "not a safetensors file"),
            (file("{}", &[smile]), "list of directions cannot be read"),
            (file(&format!("[{SMILE}]"), &[]), "lists `Smile` and has no such tensor"),
            (
                file(&format!("[{SMILE}]"), &[("Smile", &[2, 8, 8], 1.0)]),
                "is 2 x 8 x 8, and this model's stylemaps are 2 x 4 x 4",
            ),
            (file(&format!("[{SMILE}]"), &[("Smile", &[2, 4, 4], f32::NAN)]), "not finite"),
            (file(&format!("[{SMILE}, {SMILE}]"), &[smile]), "two directions called `Smile`"),
            (file(r#"[{"name": "Smile", "range": [1, 1]}]"#, &[smile]), "not a range"),
            (file(r#"[{"name": "Smile", "range": [-1, 1e9]}]"#, &[smile]), "not a range"),
            (file("[]", &[smile]), "`Smile` is not in its list"),
        ];
        for (bytes, expected) in cases {
            let err = Directions::from_bytes(&bytes, "a file", &config()).unwrap_err().to_string();
            assert!(
                err.starts_with("a file has no usable directions: ") && err.contains(expected),
                "{expected}: {err}"
            );
        }
        let tensors =
            BTreeMap::from([("Smile".to_owned(), Tensor::zeros((2, 4, 4), DType::F32, &Device::Cpu).unwrap())]);
        let bytes = safetensors::serialize(&tensors, None).unwrap();
        let err = Directions::from_bytes(&bytes, "a file", &config()).unwrap_err().to_string();
        assert!(err.contains("metadata has no `directions`"), "{err}");
    }

    #[test]
    fn the_file_lies_beside_the_model() {
        let beside = |path: &str| Directions::path_beside(Path::new(path)).to_string_lossy().into_owned();
        assert_eq!(beside("models/faces 1.5.safetensors"), "models/faces 1.5.directions.safetensors");
        assert_eq!(beside("celeba.pt"), "celeba.directions.safetensors");
    }
}
