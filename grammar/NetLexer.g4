// The words of the `.net` language.
//
// The lexer reads bytes: every byte from 0x80 on arrives as 0x7F (frontend/parser_tokens.h says why), so names are ASCII
// and anything may stand in strings and comments. It never fails: what is no word becomes OTHER, and the token pass of
// the frontend says what is wrong with it. The same pass turns words into the kinds under `tokens` by looking at their
// neighbours; that is what keeps the parser grammar LL(1).
lexer grammar NetLexer;

tokens {
  UNIT,       // the name or % after a number: 10%, 5 epochs
  LOG,        // log before a range: log 1e-4 .. 1e-2
  WEIGHT,     // weight before a name: weight kernel: f32[3]
  UPDATE,     // update before a name: update moving_mean = x
  ELSE_IF,    // else before if
  NEGATE,     // a minus that does not follow an operand
  GROUP,      // a ( that does not follow an operand
  LIST        // a [ that does not follow an operand
}

IF : 'if' ;
ELSE : 'else' ;
REPEAT : 'repeat' ;
IN : 'in' ;
AS : 'as' ;
AND : 'and' ;
OR : 'or' ;
NOT : 'not' ;
TRUE : 'true' ;
FALSE : 'false' ;

// Words of the outermost level; inside brackets they are plain names (data { train = ... }).
PARAM : 'param' ;
IMPORT : 'import' ;
BLOCK : 'block' ;
NETWORK : 'network' ;
DATA : 'data' ;
TRAIN : 'train' ;
TUNE : 'tune' ;
CHECK : 'check' ;
DEFAULTS : 'defaults' ;
ON : 'on' ;

NAME : [a-zA-Z_] [a-zA-Z_0-9]* ;
NUMBER : DIGITS ('.' DIGITS)? ([eE] [+\-]? DIGITS)? ;
fragment DIGITS : [0-9]+ ;
STRING : '"' STRING_PART* '"' ;
fragment STRING_PART : ~["\\\r\n] | '\\' ~[\r\n] ;

ARROW : '->' ;
ASSIGN : '=' ;
COMMA : ',' ;
COLON : ':' ;
DOT : '.' ;
RANGE : '..' ;
RANGE_OPEN : '..<' ;
PLUS : '+' ;
MINUS : '-' ;
TIMES : '*' ;
DIVIDE : '/' ;
FLOOR_DIVIDE : '//' ;
MODULO : '%' ;
POWER : '^' ;
EQUAL : '==' ;
NOT_EQUAL : '!=' ;
LESS : '<' ;
LESS_EQUAL : '<=' ;
GREATER : '>' ;
GREATER_EQUAL : '>=' ;
LPAREN : '(' ;
RPAREN : ')' ;
LBRACKET : '[' ;
RBRACKET : ']' ;
LBRACE : '{' ;
RBRACE : '}' ;

DOC : '##' (~[#\r\n] ~[\r\n]*)? ;
COMMENT : '#' ~[\r\n]* -> skip ;
SPACE : [ \t\r\n\f]+ -> skip ;

// What is not of the language, kept whole where a message can say more about the whole.
TRIPLE_QUOTED : '"""' .*? ('"""' | EOF) ;
UNTERMINATED : '"' STRING_PART* '\\'? ;
SINGLE_QUOTED : '\'' ~['\r\n]* '\'' ;
UNTERMINATED_SINGLE : '\'' ~['\r\n]* ;
BLOCK_COMMENT : '/*' .*? ('*/' | EOF) ;
FOREIGN : '**' | '&&' | '||' | '!' | '=>' | '|>' | ':=' | '+=' | '-=' | '*=' | '/=' | ';' | '@' | '\\' | '&' | '|' ;
NUMBER_WITHOUT_ZERO : '.' DIGITS ([eE] [+\-]? DIGITS)? ;
NUMBER_AND_NAME : DIGITS [a-zA-Z_] [a-zA-Z_0-9]* ;
OTHER : '\u007F'+ | . ;
