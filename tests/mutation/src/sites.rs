//! Finds the place of each mutant in the syntax tree and says which edit puts a switch there.

use std::collections::HashMap;
use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, Stmt, UnOp};

use crate::list::{Genre, Mutant, Span};
use crate::text::{Text, span_of};

/// How one mutant is switched on at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// An early `return value` before the first statement of a body.
    Return { at: usize, value: String },
    /// A guard after a pattern, so that the arm never matches.
    Guard { at: usize },
    /// Another text for an expression.
    Switch { host: Range<usize>, text: String },
}

/// What can be done about one mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Site {
    /// It can be switched at run time.
    Switchable(Edit),
    /// It must be built by itself, for this reason.
    Fixed(&'static str),
    /// It cannot compile, for this reason.
    Unviable(&'static str),
}

/// The site of each of `mutants`, all of the file with this source, in their order.
pub fn find(source: &str, mutants: &[&Mutant]) -> syn::Result<Vec<Site>> {
    let file = syn::parse_file(source)?;
    let mut wanted: HashMap<(Genre, Span), Vec<usize>> = HashMap::new();
    for (index, mutant) in mutants.iter().enumerate() {
        wanted
            .entry((mutant.genre, mutant.span))
            .or_default()
            .push(index);
    }
    let mut finder = Finder {
        text: Text::new(source),
        mutants,
        wanted,
        found: vec![None; mutants.len()],
        frozen: None,
        chain: None,
    };
    finder.visit_file(&file);
    Ok(finder
        .found
        .into_iter()
        .map(|site| site.unwrap_or(Site::Fixed("its place was not found in the syntax tree")))
        .collect())
}

struct Finder<'f> {
    text: Text<'f>,
    mutants: &'f [&'f Mutant],
    /// The mutants, by index, at a place.
    wanted: HashMap<(Genre, Span), Vec<usize>>,
    found: Vec<Option<Site>>,
    /// Why no run-time switch can stand here.
    frozen: Option<&'static str>,
    /// The outermost of the binary expressions that the next one is a bare operand of.
    chain: Option<Range<usize>>,
}

impl Finder<'_> {
    fn bytes(&self, node: &impl Spanned) -> Option<Range<usize>> {
        self.text.range(span_of(node.span()))
    }

    /// Settles every mutant of this genre and place by `site`, unless the place is frozen.
    fn settle(&mut self, genre: Genre, span: Span, site: impl Fn(&Self, &Mutant) -> Option<Site>) {
        for index in self.wanted.remove(&(genre, span)).unwrap_or_default() {
            self.found[index] = match self.frozen {
                Some(reason) => Some(Site::Fixed(reason)),
                None => site(self, self.mutants[index]),
            };
        }
    }

    /// The edit that replaces `range` textually, as cargo-mutants does, and switches at the expression `host`.
    ///
    /// Switching further out than the operator keeps the meaning of the textual change: `a - b * c` with `+` for `*` is
    /// `(a - b) + c`.
    fn switch(&self, host: &Range<usize>, range: &Range<usize>, replacement: &str) -> Site {
        let source = self.text.source;
        let text = [
            &source[host.start..range.start],
            replacement,
            &source[range.end..host.end],
        ]
        .concat();
        if syn::parse_str::<Expr>(&text).is_err() {
            return Site::Unviable("it does not parse");
        }
        Site::Switchable(Edit::Switch {
            host: host.clone(),
            text,
        })
    }

    fn within(&mut self, frozen: Option<&'static str>, visit: impl FnOnce(&mut Self)) {
        let outside = std::mem::replace(&mut self.frozen, frozen);
        let chain = self.chain.take();
        visit(self);
        self.frozen = outside;
        self.chain = chain;
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let (Some(first), Some(last)) = (block.stmts.first(), block.stmts.last()) else {
            return;
        };
        let body = Span {
            start: span_of(first.span()).start,
            end: span_of(last.span()).end,
        };
        let frozen = if signature.constness.is_some() {
            Some("in a const fn")
        } else if returns_impl(&signature.output) {
            Some("the function returns impl Trait")
        } else {
            None
        };
        self.within(frozen, |finder| {
            finder.settle(Genre::FnValue, body, |finder, mutant| {
                Some(Site::Switchable(Edit::Return {
                    at: finder.text.offset(body.start)?,
                    value: mutant.replacement.clone(),
                }))
            });
        });
    }
}

fn body_freeze(signature: &syn::Signature) -> Option<&'static str> {
    signature.constness.map(|_| "in a const fn")
}

fn returns_impl(output: &syn::ReturnType) -> bool {
    struct Search(bool);
    impl<'ast> Visit<'ast> for Search {
        fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut search = Search(false);
    search.visit_return_type(output);
    search.0
}

fn is_assignment(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}

/// Whether a chain of `&&` has a `let` as an operand.
fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => {
            has_let(&binary.left) || has_let(&binary.right)
        }
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        self.within(body_freeze(&item.sig), |finder| {
            visit::visit_item_fn(finder, item);
        });
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        self.within(body_freeze(&item.sig), |finder| {
            visit::visit_impl_item_fn(finder, item);
        });
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
        self.within(body_freeze(&item.sig), |finder| {
            visit::visit_trait_item_fn(finder, item);
        });
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.within(Some("in a constant"), |finder| {
            visit::visit_item_const(finder, item);
        });
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.within(Some("in a static"), |finder| {
            visit::visit_item_static(finder, item);
        });
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.within(Some("in a constant"), |finder| {
            visit::visit_impl_item_const(finder, item);
        });
    }

    fn visit_trait_item_const(&mut self, item: &'ast syn::TraitItemConst) {
        self.within(Some("in a constant"), |finder| {
            visit::visit_trait_item_const(finder, item);
        });
    }

    fn visit_expr_const(&mut self, expr: &'ast syn::ExprConst) {
        self.within(Some("in a const block"), |finder| {
            visit::visit_expr_const(finder, expr);
        });
    }

    fn visit_type(&mut self, node: &'ast syn::Type) {
        self.within(Some("in a type"), |finder| visit::visit_type(finder, node));
    }

    fn visit_generic_argument(&mut self, node: &'ast syn::GenericArgument) {
        self.within(Some("in a generic argument"), |finder| {
            visit::visit_generic_argument(finder, node);
        });
    }

    fn visit_variant(&mut self, node: &'ast syn::Variant) {
        self.within(Some("in a discriminant"), |finder| {
            visit::visit_variant(finder, node);
        });
    }

    fn visit_pat(&mut self, node: &'ast syn::Pat) {
        self.within(Some("in a pattern"), |finder| {
            visit::visit_pat(finder, node)
        });
    }

    fn visit_expr_repeat(&mut self, expr: &'ast syn::ExprRepeat) {
        self.visit_expr(&expr.expr);
        self.within(Some("in an array length"), |finder| {
            finder.visit_expr(&expr.len);
        });
    }

    /// The body of a closure runs at run time, even if the closure stands in a constant.
    fn visit_expr_closure(&mut self, expr: &'ast syn::ExprClosure) {
        for input in &expr.inputs {
            self.visit_pat(input);
        }
        self.within(None, |finder| finder.visit_expr(&expr.body));
    }

    fn visit_expr_binary(&mut self, expr: &'ast syn::ExprBinary) {
        let chain = self.chain.take();
        let in_let_chain = has_let(&expr.left) || has_let(&expr.right);
        let Some(own) = self.bytes(expr) else { return };
        let host = chain.unwrap_or(own);
        let op = span_of(expr.op.span());
        self.settle(Genre::BinaryOperator, op, |finder, mutant| {
            if in_let_chain && matches!(expr.op, BinOp::And(_)) {
                return Some(Site::Unviable("|| in a chain of let conditions"));
            }
            Some(finder.switch(&host, &finder.text.range(op)?, &mutant.replacement))
        });
        let shared = !in_let_chain && !is_assignment(&expr.op);
        for operand in [&expr.left, &expr.right] {
            if shared && matches!(**operand, Expr::Binary(_)) {
                self.chain = Some(host.clone());
            }
            self.visit_expr(operand);
            self.chain = None;
        }
    }

    fn visit_expr_unary(&mut self, expr: &'ast syn::ExprUnary) {
        if matches!(expr.op, UnOp::Not(_) | UnOp::Neg(_)) {
            let op = span_of(expr.op.span());
            self.settle(Genre::UnaryOperator, op, |finder, mutant| {
                let host = finder.bytes(expr)?;
                Some(finder.switch(&host, &finder.text.range(op)?, &mutant.replacement))
            });
        }
        visit::visit_expr_unary(self, expr);
    }

    fn visit_expr_match(&mut self, expr: &'ast syn::ExprMatch) {
        for arm in &expr.arms {
            self.settle(Genre::MatchArm, span_of(arm.span()), |finder, _| {
                Some(Site::Switchable(Edit::Guard {
                    at: finder.bytes(&arm.pat)?.end,
                }))
            });
            if let Some((_, guard)) = &arm.guard {
                let span = span_of(guard.span());
                let with_let = has_let(guard);
                self.settle(Genre::MatchArmGuard, span, |finder, mutant| {
                    if with_let {
                        return Some(Site::Fixed("a guard with a let condition"));
                    }
                    Some(Site::Switchable(Edit::Switch {
                        host: finder.text.range(span)?,
                        text: mutant.replacement.clone(),
                    }))
                });
            }
        }
        visit::visit_expr_match(self, expr);
    }

    fn visit_expr_struct(&mut self, expr: &'ast syn::ExprStruct) {
        for pair in expr.fields.pairs() {
            let field = span_of(pair.value().span());
            let span = Span {
                start: field.start,
                end: pair
                    .punct()
                    .map_or(field.end, |comma| span_of(comma.span()).end),
            };
            self.settle(Genre::StructField, span, |finder, mutant| {
                let host = finder.bytes(expr)?;
                Some(finder.switch(&host, &finder.text.range(span)?, &mutant.replacement))
            });
        }
        visit::visit_expr_struct(self, expr);
    }

    /// An item inside a body has contexts of its own, and no operand begins there.
    fn visit_stmt(&mut self, stmt: &'ast Stmt) {
        let frozen = self.frozen;
        self.within(frozen, |finder| visit::visit_stmt(finder, stmt));
    }
}
