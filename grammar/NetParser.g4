// The sentences of the `.net` language. Every decision looks at one token.
//
// Expressions are flat here: `1 + 2 * 3` is three operands and two operators; frontend/parser_expressions.cpp gives them
// precedence, without recursion. A list may end in a comma; that commas do not follow each other, and that names stand
// where names must, is checked when the tree is built.
parser grammar NetParser;
options { tokenVocab = NetLexer; }

file : item* EOF ;
item : paramDecl | importDecl | blockDecl | networkDecl | section ;

paramDecl : PARAM name ASSIGN value (IN value)? (IF expression)? ;
importDecl : IMPORT STRING ;
blockDecl : BLOCK blockHeader body ;
blockHeader : name parameters ;
networkDecl : NETWORK networkHeader body ;
networkHeader : name parameters ARROW outputs ;
parameters : LPAREN (parameter (COMMA parameter?)*)? RPAREN ;
parameter : name (COLON type)? (ASSIGN value)? ;
outputs : output | GROUP output (COMMA output?)* RPAREN ;
output : type (COLON type)? ;
type : name (LBRACKET (expression (COMMA expression?)*)? RBRACKET)? ;

section : sectionHeader entries ;
sectionHeader : DATA name | TRAIN name (COLON name)? ON name | TUNE | CHECK | DEFAULTS ;
entries : LBRACE (entry COMMA?)* RBRACE ;
entry : expression (ASSIGN value)? ;

body : LBRACE statement* RBRACE ;
statement : repeatStatement | weightStatement | updateStatement | expression binding? ;
binding : (COMMA NAME)* ASSIGN value ;
repeatStatement : REPEAT NAME IN value body ;
weightStatement : WEIGHT NAME COLON type ASSIGN expression entries? ;
updateStatement : UPDATE NAME ASSIGN value ;

value
  : LBRACE (value (COMMA value?)*)? RBRACE
  | LOG? expression ((RANGE | RANGE_OPEN) expression)?
  ;
expression : arithmetic (ARROW step | AS NAME)* ;
arithmetic : operand (binaryOperator operand)* ;
binaryOperator
  : PLUS | MINUS | TIMES | DIVIDE | FLOOR_DIVIDE | MODULO | POWER
  | EQUAL | NOT_EQUAL | LESS | LESS_EQUAL | GREATER | GREATER_EQUAL | AND | OR
  ;
operand : (NEGATE | NOT)* step ;
step : primary suffix* ;
suffix
  : LPAREN (argument (COMMA argument?)*)? RPAREN
  | LBRACKET value RBRACKET
  | DOT NAME
  ;
argument : value (ASSIGN value)? ;
primary
  : NUMBER UNIT?
  | STRING
  | TRUE
  | FALSE
  | NAME
  | GROUP expression RPAREN
  | LIST (value (COMMA value?)*)? RBRACKET
  | conditional
  ;
conditional : IF expression body (ELSE_IF IF expression body)* (ELSE body)? ;

name : NAME | PARAM | IMPORT | BLOCK | NETWORK | DATA | TRAIN | TUNE | CHECK | DEFAULTS | ON ;
