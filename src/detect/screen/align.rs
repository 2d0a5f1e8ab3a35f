//! Which lines of a new text are which lines of the old one: the longest common subsequence. It knows
//! nothing of what the lines are.

/// Above so many cells of the table the answer is the first fit instead of the best.
const MAX_CELLS: usize = 1 << 20;
/// The first fit looks this far: one wrong guess must not use up the text.
const REACH: usize = 64;

/// For every line of `new` the line of `old` it is, both in order.
pub(super) fn align(old: &[u64], new: &[u64]) -> Vec<Option<usize>> {
    let same = |pair: &(&u64, &u64)| pair.0 == pair.1;
    let head = old.iter().zip(new).take_while(same).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(same).count();
    let (old_core, new_core) = (&old_rest[..old_rest.len() - tail], &new_rest[..new_rest.len() - tail]);
    let core = if old_core.len() * new_core.len() <= MAX_CELLS {
        best(old_core, new_core)
    } else {
        first_fit(old_core, new_core)
    };
    let heads = (0..head).map(Some);
    let cores = core.into_iter().map(|at| at.map(|at| at + head));
    let tails = (old.len() - tail..old.len()).map(Some);
    heads.chain(cores).chain(tails).collect()
}

fn best(old: &[u64], new: &[u64]) -> Vec<Option<usize>> {
    let mut found = vec![None; new.len()];
    if old.is_empty() || new.is_empty() {
        return found;
    }
    // length[i * width + j]: the longest common subsequence of old[i..] and new[j..].
    let width = new.len() + 1;
    let mut length = vec![0_u16; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let (down, right) = ((i + 1) * width + j, i * width + j + 1);
            length[i * width + j] = if old[i] == new[j] {
                length[down + 1].saturating_add(1)
            } else {
                length[down].max(length[right])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            found[j] = Some(i);
            (i, j) = (i + 1, j + 1);
        } else if length[(i + 1) * width + j] >= length[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

fn first_fit(old: &[u64], new: &[u64]) -> Vec<Option<usize>> {
    let mut from = 0;
    let place = |line: &u64| {
        let at = from + old[from..].iter().take(REACH).position(|other| other == line)?;
        from = at + 1;
        Some(at)
    };
    new.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::align;

    fn aligned(old: &str, new: &str) -> String {
        let hashes = |text: &str| text.bytes().map(u64::from).collect::<Vec<_>>();
        let places = align(&hashes(old), &hashes(new));
        let digit = |at: &Option<usize>| at.map_or('.', |at| char::from(b'0' + at as u8));
        places.iter().map(digit).collect()
    }

    #[test]
    fn the_longest_common_subsequence_is_found() {
        let table = [
            ("", "", ""),
            ("", "ab", ".."),
            ("abc", "abc", "012"),
            ("abc", "abcd", "012."),
            ("abc", "bcde", "12.."),
            ("aaaa", "aaaaaa", "0123.."),
            ("abcd", "axcd", "0.23"),
            ("abxcd", "qabcd", ".0134"),
            ("abab", "ab", "01"),
        ];
        for (old, new, expected) in table {
            assert_eq!(aligned(old, new), expected, "{old} {new}");
        }
    }

    #[test]
    fn too_much_for_the_table_is_still_in_order() {
        let old: Vec<u64> = (0..4000).collect();
        let new: Vec<u64> = (0..2000).map(|at| at * 2 + 1).collect();
        let places: Vec<usize> = align(&old, &new).into_iter().flatten().collect();
        assert!(places.is_sorted());
        assert_eq!(places.len(), 2000);
    }
}
